//! What a section's name says about where its programs are attached.

use std::fmt;

/// The section names that are understood, for messages.
pub(crate) const SUPPORTED: &str = "tp_btf/NAME, raw_tp/NAME, tp/CATEGORY/NAME (also \
    raw_tracepoint, tracepoint), iter/NAME, fentry/FUNCTION, fexit/FUNCTION, lsm/HOOK (these four \
    also with .s), kprobe/FUNCTION[+OFFSET], kretprobe/FUNCTION";

/// Where a program is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hook {
    /// A tracepoint whose arguments have types.
    TpBtf(Box<str>),
    /// A tracepoint with its arguments as they are.
    RawTp(Box<str>),
    /// A classic tracepoint.
    #[expect(missing_docs, reason = "category and name in tracefs")]
    Tracepoint { category: Box<str>, name: Box<str> },
    /// An iterator, such as `task`.
    Iter(Box<str>),
    /// The entry of a kernel function, by trampoline.
    Fentry(Box<str>),
    /// The return of a kernel function, by trampoline.
    Fexit(Box<str>),
    /// An instruction of a kernel function.
    #[expect(missing_docs, reason = "symbol and bytes from its first one")]
    Kprobe { function: Box<str>, offset: u64 },
    /// The return of a kernel function.
    Kretprobe(Box<str>),
    /// A hook of the security modules.
    Lsm(Box<str>),
}

impl Hook {
    /// Of which kind it is, as a section's name begins.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::TpBtf(_) => "tp_btf",
            Self::RawTp(_) => "raw_tp",
            Self::Tracepoint { .. } => "tp",
            Self::Iter(_) => "iter",
            Self::Fentry(_) => "fentry",
            Self::Fexit(_) => "fexit",
            Self::Kprobe { .. } => "kprobe",
            Self::Kretprobe(_) => "kretprobe",
            Self::Lsm(_) => "lsm",
        }
    }

    /// Whether loading a program tells already that the kernel has its hook.
    pub(crate) fn is_told_by_loading(&self) -> bool {
        matches!(self, Self::TpBtf(_) | Self::Iter(_))
    }

    /// What a kernel needs to have this hook.
    pub(crate) fn needs(&self) -> &'static str {
        match self {
            Self::TpBtf(_) | Self::RawTp(_) | Self::Tracepoint { .. } => {
                "a kernel with this tracepoint: most are in /sys/kernel/tracing/available_events"
            }
            Self::Iter(_) => "a kernel with this iterator",
            Self::Fentry(_) | Self::Fexit(_) => {
                "this function in the kernel's BTF, and CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y; a tp_btf program needs neither"
            }
            Self::Kprobe { .. } | Self::Kretprobe(_) => {
                "this function in /proc/kallsyms, and CONFIG_KPROBE_EVENTS=y; a tp_btf program needs neither"
            }
            Self::Lsm(_) => "CONFIG_BPF_LSM=y, and bpf in `lsm=` of the kernel's command line",
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.kind())?;
        match self {
            Self::TpBtf(target)
            | Self::RawTp(target)
            | Self::Iter(target)
            | Self::Fentry(target)
            | Self::Fexit(target)
            | Self::Kretprobe(target)
            | Self::Lsm(target) => f.write_str(target),
            Self::Tracepoint { category, name } => write!(f, "{category}/{name}"),
            Self::Kprobe {
                function,
                offset: 0,
            } => f.write_str(function),
            Self::Kprobe { function, offset } => write!(f, "{function}+{offset:#x}"),
        }
    }
}

/// A section's name, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attach {
    pub(crate) hook: Hook,
    pub(crate) sleepable: bool,
}

const UNKNOWN: &str = "is no known hook";
const NO_TARGET: &str = "names no target";
const BAD_TARGET: &str = "has a target that can't be understood";

/// Reads a section's name; the error is what is wrong with it.
pub(crate) fn parse(section: &str) -> Result<Attach, &'static str> {
    let (kind, target) = section.split_once('/').unwrap_or((section, ""));
    let (base, sleepable) = match kind.strip_suffix(".s") {
        Some(base @ ("iter" | "fentry" | "fexit" | "lsm")) => (base, true),
        Some(_) => return Err(UNKNOWN),
        None => (kind, false),
    };
    let hook = match base {
        "tp_btf" => Hook::TpBtf(plain(target)?),
        "raw_tp" | "raw_tracepoint" => Hook::RawTp(plain(target)?),
        "tp" | "tracepoint" => {
            let (category, name) = plain_pair(target)?;
            Hook::Tracepoint { category, name }
        }
        "iter" => Hook::Iter(plain(target)?),
        "fentry" => Hook::Fentry(plain(target)?),
        "fexit" => Hook::Fexit(plain(target)?),
        "lsm" => Hook::Lsm(plain(target)?),
        "kprobe" => {
            let (function, offset) = with_offset(target)?;
            Hook::Kprobe { function, offset }
        }
        "kretprobe" => Hook::Kretprobe(plain(target)?),
        _ => return Err(UNKNOWN),
    };
    Ok(Attach { hook, sleepable })
}

fn plain(target: &str) -> Result<Box<str>, &'static str> {
    if target.is_empty() {
        Err(NO_TARGET)
    } else if target.contains(['/', '+', ' ']) {
        Err(BAD_TARGET)
    } else {
        Ok(target.into())
    }
}

fn plain_pair(target: &str) -> Result<(Box<str>, Box<str>), &'static str> {
    match target.split_once('/') {
        Some((category, name)) => Ok((plain(category)?, plain(name)?)),
        None if target.is_empty() => Err(NO_TARGET),
        None => Err(BAD_TARGET),
    }
}

/// `FUNCTION` or `FUNCTION+OFFSET`, the offset in decimal or with `0x`.
fn with_offset(target: &str) -> Result<(Box<str>, u64), &'static str> {
    let Some((function, offset)) = target.split_once('+') else {
        return Ok((plain(target)?, 0));
    };
    let offset = match offset.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => offset.parse(),
    };
    offset.map_or(Err(BAD_TARGET), |offset| Ok((plain(function)?, offset)))
}

#[cfg(test)]
mod tests {
    use super::{BAD_TARGET, Hook, NO_TARGET, UNKNOWN, parse};

    #[track_caller]
    fn attaches(section: &str, hook: Hook, sleepable: bool) {
        let attach = parse(section).unwrap();
        assert_eq!((attach.hook, attach.sleepable), (hook, sleepable));
    }

    /// Each kind of section says where to attach.
    #[test]
    fn section_names_say_where_to_attach() {
        attaches(
            "tp_btf/sched_switch",
            Hook::TpBtf("sched_switch".into()),
            false,
        );
        attaches("raw_tracepoint/a", Hook::RawTp("a".into()), false);
        let name = Hook::Tracepoint {
            category: "syscalls".into(),
            name: "sys_enter_open".into(),
        };
        attaches("tracepoint/syscalls/sys_enter_open", name.clone(), false);
        attaches("tp/syscalls/sys_enter_open", name, false);
        attaches("iter.s/task", Hook::Iter("task".into()), true);
        attaches("lsm/bpf", Hook::Lsm("bpf".into()), false);
        attaches("fentry/do_exit", Hook::Fentry("do_exit".into()), false);
        let inner = Hook::Kprobe {
            function: "do_exit".into(),
            offset: 16,
        };
        attaches("kprobe/do_exit+0x10", inner, false);
    }

    /// A hook is shown as it is written.
    #[test]
    fn hooks_are_shown_as_section_names() {
        for section in [
            "tp_btf/a",
            "raw_tp/a",
            "tp/a/b",
            "iter/a",
            "fentry/a",
            "fexit/a",
            "kprobe/a",
            "kprobe/a+0x10",
            "kretprobe/a",
            "lsm/a",
        ] {
            assert_eq!(parse(section).unwrap().hook.to_string(), section);
        }
    }

    /// What is not understood is refused with what is wrong.
    #[test]
    fn other_section_names_are_refused() {
        for section in [
            "xdp",
            "?tp_btf/a",
            "kprobe.multi/a",
            "tp_btf.s/a",
            "",
            "usdt/a",
            "uprobe//bin/sh:main",
            "perf_event",
        ] {
            assert_eq!(parse(section).unwrap_err(), UNKNOWN, "{section}");
        }
        for section in ["tp_btf", "tp_btf/", "tp", "kprobe", "tp/a/"] {
            assert_eq!(parse(section).unwrap_err(), NO_TARGET, "{section}");
        }
        for section in ["tp/a", "tp/a/b/c", "kprobe/a+x", "lsm/a b"] {
            assert_eq!(parse(section).unwrap_err(), BAD_TARGET, "{section}");
        }
    }
}
