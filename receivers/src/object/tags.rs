//! The annotations that the macros of `probes/include/` leave in BTF.

use eunomia_core::metric::MetricKind;
use eunomia_core::schema::Part;

use super::error::ObjectError;

/// One annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag<'a> {
    /// The member is this attribute.
    Attribute(&'a str),
    /// A part of the member is another attribute.
    Derived(Part, &'a str),
    /// The process table needs the member.
    Role(&'a str),
    Unit(&'a str),
    /// How an integer is shown.
    Render(Rendering<'a>),
    /// With this value the attribute does not exist.
    Absent(i128),
    /// The pointer's struct is this event.
    Event(&'a str),
    /// The variable is an option with this key.
    Option(&'a str),
    /// One sentence for people.
    Doc(&'a str),
    /// The map, or the member of its values, is a metric.
    Metric(MetricTag<'a>),
    /// The program is called after this system call.
    Syscall(Syscall),
    /// The program calls those that want system calls.
    Dispatcher,
    /// The program is one of two that do the same; the first one's name.
    Twice(&'a str),
    /// The map needs this many entries for each CPU.
    PerCpu(u32),
    /// The object was built with headers of this version.
    Abi(u32),
}

/// How an integer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rendering<'a> {
    Errno,
    Signal,
    Hex,
    Octal,
    Port,
    /// The bits have the names of this enum; those under the mask are one value.
    Flags(&'a str, u64),
    /// The values have the names of this enum.
    Enum(&'a str),
}

impl Rendering<'_> {
    /// The macro that asks for it.
    pub(crate) fn macro_name(self) -> &'static str {
        match self {
            Self::Errno => "ERRNO",
            Self::Signal => "SIGNAL",
            Self::Hex => "HEX",
            Self::Octal => "OCTAL",
            Self::Port => "PORT",
            Self::Flags(..) => "FLAGS",
            Self::Enum(_) => "ENUM",
        }
    }
}

/// What a metric is called and how it adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MetricTag<'a> {
    pub(crate) kind: MetricKind,
    pub(crate) unit: &'a str,
    pub(crate) name: &'a str,
}

/// A system call by its numbers; `None` where an architecture lacks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syscall {
    /// The number for 64-bit programs.
    pub native: Option<u32>,
    /// The number for 32-bit programs.
    pub compat: Option<u32>,
}

/// The annotations of one declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tags<'a>(Vec<Tag<'a>>);

/// A method that finds the first tag of one kind.
macro_rules! finder {
    ($name:ident, $kind:ident, $found:ty) => {
        pub(crate) fn $name(&self) -> Option<$found> {
            self.0.iter().find_map(|tag| {
                if let Tag::$kind(found) = tag {
                    Some(*found)
                } else {
                    None
                }
            })
        }
    };
}

impl<'a> Tags<'a> {
    finder!(attribute, Attribute, &'a str);
    finder!(role, Role, &'a str);
    finder!(unit, Unit, &'a str);
    finder!(rendering, Render, Rendering<'a>);
    finder!(absent, Absent, i128);
    finder!(event, Event, &'a str);
    finder!(option, Option, &'a str);
    finder!(doc, Doc, &'a str);
    finder!(metric, Metric, MetricTag<'a>);
    finder!(twice, Twice, &'a str);
    finder!(per_cpu, PerCpu, u32);
    finder!(abi, Abi, u32);

    pub(crate) fn roles(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter_map(|tag| {
            if let Tag::Role(role) = tag {
                Some(*role)
            } else {
                None
            }
        })
    }

    pub(crate) fn derived(&self) -> impl Iterator<Item = (Part, &'a str)> {
        self.0.iter().filter_map(|tag| {
            if let Tag::Derived(part, name) = tag {
                Some((*part, *name))
            } else {
                None
            }
        })
    }

    pub(crate) fn syscalls(&self) -> impl Iterator<Item = Syscall> {
        self.0.iter().filter_map(|tag| {
            if let Tag::Syscall(syscall) = tag {
                Some(*syscall)
            } else {
                None
            }
        })
    }

    /// Whether they mark the program that others are called by.
    pub(crate) fn is_dispatcher(&self) -> bool {
        self.0.contains(&Tag::Dispatcher)
    }

    /// Whether they make a member part of an event.
    pub(crate) fn are_annotations(&self) -> bool {
        self.0.iter().any(|tag| {
            matches!(
                tag,
                Tag::Attribute(_) | Tag::Derived(..) | Tag::Role(_) | Tag::Metric(_)
            )
        })
    }
}

/// The tags among `texts`; those of other people's tools are left out.
pub(crate) fn parse<'a>(
    texts: impl Iterator<Item = &'a str>,
    on: &str,
) -> Result<Tags<'a>, ObjectError> {
    let malformed = |text: &str, expected| ObjectError::Tag {
        tag: text.into(),
        on: on.into(),
        expected,
    };
    texts
        .filter_map(|text| match parse_one(text) {
            Ok(tag) => tag.map(Ok),
            Err(expected) => Some(Err(malformed(text, expected))),
        })
        .collect::<Result<_, _>>()
        .map(Tags)
}

/// One tag, `None` if it is not ours; the error is the form it should have.
fn parse_one(text: &str) -> Result<Option<Tag<'_>>, &'static str> {
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    Ok(Some(match kind {
        "attr" => Tag::Attribute(name(rest, "attr:NAME")?),
        "derive" => derived(rest)?,
        "role" => Tag::Role(name(rest, "role:NAME")?),
        "unit" => Tag::Unit(name(rest, "unit:UCUM")?),
        "render" => Tag::Render(rendering(rest)?),
        "flags" => flags(rest)?,
        "enum" => Tag::Render(Rendering::Enum(name(rest, "enum:NAME")?)),
        "absent" => Tag::Absent(c_number(rest).ok_or("absent:NUMBER")?),
        "event" => Tag::Event(rest),
        "option" => Tag::Option(name(rest, "option:KEY")?),
        "doc" => Tag::Doc(rest),
        "metric" => Tag::Metric(metric(rest)?),
        "syscall" => Tag::Syscall(syscall(rest).ok_or("syscall:NUMBER:COMPAT_NUMBER")?),
        "dispatcher" => Tag::Dispatcher,
        "twice" => Tag::Twice(name(rest, "twice:PROGRAM")?),
        "per_cpu" => Tag::PerCpu(rest.parse().map_err(|_ignored| "per_cpu:NUMBER")?),
        "abi" => Tag::Abi(rest.parse().map_err(|_ignored| "abi:NUMBER")?),
        _ => return Ok(None),
    }))
}

fn name<'a>(text: &'a str, expected: &'static str) -> Result<&'a str, &'static str> {
    if text.is_empty() {
        Err(expected)
    } else {
        Ok(text)
    }
}

fn derived(text: &str) -> Result<Tag<'_>, &'static str> {
    const FORM: &str = "derive:first|joined|base:NAME";
    let (how, attribute) = text.split_once(':').ok_or(FORM)?;
    let part = match how {
        "first" => Part::First,
        "joined" => Part::Joined,
        "base" => Part::Base,
        _ => return Err(FORM),
    };
    Ok(Tag::Derived(part, name(attribute, FORM)?))
}

fn rendering(text: &str) -> Result<Rendering<'_>, &'static str> {
    Ok(match text {
        "errno" => Rendering::Errno,
        "signal" => Rendering::Signal,
        "hex" => Rendering::Hex,
        "octal" => Rendering::Octal,
        "port" => Rendering::Port,
        _ => return Err("render:errno|signal|hex|octal|port"),
    })
}

fn flags(text: &str) -> Result<Tag<'_>, &'static str> {
    const FORM: &str = "flags:ENUM:MASK with a number as mask";
    let (names, mask) = text.split_once(':').ok_or(FORM)?;
    let mask = c_number(mask).and_then(|mask| u64::try_from(mask).ok());
    let mask = mask.ok_or(FORM)?;
    Ok(Tag::Render(Rendering::Flags(name(names, FORM)?, mask)))
}

/// A number as C writes it: the macros pass on what stands in the source.
fn c_number(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (radix, digits) = match digits.strip_prefix("0x") {
        Some(digits) => (16, digits),
        None if digits.len() > 1 && digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    let number = u64::from_str_radix(digits.trim_end_matches(['u', 'U', 'l', 'L']), radix);
    let number = i128::from(number.ok()?);
    Some(if negative { -number } else { number })
}

fn metric(text: &str) -> Result<MetricTag<'_>, &'static str> {
    const FORM: &str = "metric:counter|gauge|histogram:UNIT:NAME";
    let (kind, rest) = text.split_once(':').ok_or(FORM)?;
    let (unit, metric) = rest.split_once(':').ok_or(FORM)?;
    let kind = match kind {
        "counter" => MetricKind::Counter,
        "gauge" => MetricKind::Gauge,
        "histogram" => MetricKind::Histogram,
        _ => return Err(FORM),
    };
    let name = name(metric, FORM)?;
    Ok(MetricTag { kind, unit, name })
}

fn syscall(text: &str) -> Option<Syscall> {
    let (native, compat) = text.split_once(':')?;
    let number = |text: &str| match text {
        "-1" => Some(None),
        digits => digits.parse().ok().map(Some),
    };
    Some(Syscall {
        native: number(native)?,
        compat: number(compat)?,
    })
}

#[cfg(test)]
mod tests {
    use eunomia_core::metric::MetricKind;
    use eunomia_core::schema::Part;

    use super::{MetricTag, Rendering, Syscall, Tag, Tags, parse, parse_one};

    #[track_caller]
    fn reads(text: &str, expected: Tag<'_>) {
        assert_eq!(parse_one(text), Ok(Some(expected)));
    }

    /// Every annotation of the headers is understood.
    #[test]
    fn annotations_are_read_as_the_macros_write_them() {
        reads("attr:process.pid", Tag::Attribute("process.pid"));
        reads("derive:base:a.b", Tag::Derived(Part::Base, "a.b"));
        reads("role:pid", Tag::Role("pid"));
        reads("unit:By/s", Tag::Unit("By/s"));
        reads("render:port", Tag::Render(Rendering::Port));
        reads(
            "flags:open_flags:3",
            Tag::Render(Rendering::Flags("open_flags", 3)),
        );
        reads("enum:family", Tag::Render(Rendering::Enum("family")));
        reads(
            "flags:open_flags:0x10UL",
            Tag::Render(Rendering::Flags("open_flags", 16)),
        );
        reads("absent:-1", Tag::Absent(-1));
        reads("absent:017", Tag::Absent(15));
        reads("event:", Tag::Event(""));
        reads("option:min_duration", Tag::Option("min_duration"));
        reads("doc:so: what", Tag::Doc("so: what"));
        let metric = MetricTag {
            kind: MetricKind::Histogram,
            unit: "ns",
            name: "a.b",
        };
        reads("metric:histogram:ns:a.b", Tag::Metric(metric));
        let syscall = Syscall {
            native: Some(257),
            compat: None,
        };
        reads("syscall:257:-1", Tag::Syscall(syscall));
        reads("dispatcher:", Tag::Dispatcher);
        reads("twice:on_fork", Tag::Twice("on_fork"));
        reads("per_cpu:2", Tag::PerCpu(2));
        reads("abi:1", Tag::Abi(1));
    }

    /// A tag of ours that is broken is an error; one of somebody else is none.
    #[test]
    fn broken_annotations_are_refused_and_foreign_ones_left_alone() {
        for text in [
            "attr:",
            "derive:a:b",
            "derive:base:",
            "render:ip",
            "flags:a",
            "flags:a:x",
            "absent:x",
            "metric:sum:1:a",
            "metric:gauge:a",
            "syscall:1",
            "syscall:x:1",
            "abi:one",
            "twice",
            "per_cpu:x",
            "absent:",
            "absent:0x",
        ] {
            let error = parse([text].into_iter(), "field f").unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
        assert_eq!(
            parse(["arg:ctx", "rcu"].into_iter(), ""),
            Ok(Tags::default())
        );
    }
}
