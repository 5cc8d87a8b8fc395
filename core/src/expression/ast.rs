//! A condition as it was written.

use std::fmt;

/// Where something stands in a text: bytes from its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// One of these holds.
    Or(Vec<Self>),
    /// All of these hold.
    And(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
    /// A comparison.
    Check(Check),
    /// A condition that stands elsewhere under this name.
    Macro(Word),
}

/// A word with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Word {
    pub text: Box<str>,
    pub span: Span,
}

/// A comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Check {
    pub left: Operand,
    pub operator: Operator,
    pub right: Right,
}

/// What a value is taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// An attribute.
    Field(Field),
    /// A transformer.
    Call(Call),
    /// A text; only in a transformer.
    Text(Word),
    /// Several; only in a transformer.
    List(Vec<Self>),
}

/// An attribute by name, maybe one item of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name.
    pub name: Box<str>,
    /// What stands in brackets behind it.
    pub argument: Option<Box<str>>,
    /// Where it stands.
    pub span: Span,
}

/// A transformer with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Call {
    pub function: Function,
    pub arguments: Vec<Operand>,
    pub span: Span,
}

/// What stands to the right of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Right {
    /// Nothing: `exists`.
    Nothing,
    /// One value.
    Value(Word),
    /// A modifier and values.
    Several(Modifier, Vec<Word>),
    /// Values.
    List(Vec<Word>),
    /// Values that stand elsewhere under this name.
    ListName(Word),
    /// What another attribute or a transformer gives.
    Computed(Operand),
}

/// Declares an enum whose variants have a spelling each.
macro_rules! spelled {
    ($(#[$about:meta])* $name:ident { $($variant:ident = $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "their spelling says it")]
        pub enum $name { $($variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As it is written.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The one that is written like this.
            #[must_use]
            pub fn named(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == text)
            }
        }
    };
}

spelled! {
    /// How two values are compared.
    Operator {
        Exists = "exists",
        LessOrEqual = "<=",
        GreaterOrEqual = ">=",
        NotEqual = "!=",
        SameAs = "==",
        Equal = "=",
        Less = "<",
        Greater = ">",
        Contains = "contains",
        ContainsAnyCase = "icontains",
        ContainsBytes = "bcontains",
        StartsWith = "startswith",
        StartsWithBytes = "bstartswith",
        EndsWith = "endswith",
        Glob = "glob",
        GlobAnyCase = "iglob",
        Regex = "regex",
        In = "in",
        Intersects = "intersects",
        PathPrefix = "pmatch",
    }
}

spelled! {
    /// How many of several values have to match.
    Modifier {
        OneOf = "oneof",
        AnyOf = "anyof",
        AllOf = "allof",
    }
}

spelled! {
    /// What makes a value of others.
    Function {
        ToLower = "tolower",
        ToUpper = "toupper",
        Base64 = "b64",
        BaseName = "basename",
        Length = "len",
        Join = "join",
        Concat = "concat",
    }
}

impl Operator {
    /// Whether numbers are compared by order.
    #[must_use]
    pub fn is_order(self) -> bool {
        matches!(
            self,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual
        )
    }

    /// Whether it takes a list.
    #[must_use]
    pub fn takes_list(self) -> bool {
        matches!(self, Self::In | Self::Intersects | Self::PathPrefix)
    }

    /// Whether what it takes is compiled beforehand.
    #[must_use]
    pub fn is_pattern(self) -> bool {
        matches!(
            self,
            Self::Glob | Self::GlobAnyCase | Self::Regex | Self::PathPrefix
        )
    }

    /// Whether it is a word rather than signs.
    #[must_use]
    pub fn is_word(self) -> bool {
        self.as_str().starts_with(|c: char| c.is_ascii_lowercase())
    }
}

impl Expression {
    /// Calls `each` with every comparison, in order.
    pub fn for_each_check<'a>(&'a self, each: &mut impl FnMut(&'a Check)) {
        match self {
            Self::Or(parts) | Self::And(parts) => {
                parts.iter().for_each(|part| part.for_each_check(each));
            }
            Self::Not(inner) => inner.for_each_check(each),
            Self::Check(check) => each(check),
            Self::Macro(_) => {}
        }
    }
}

/// Writes what parses to the same condition again.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(parts) => separated(f, parts, " or ", |f, part| {
                grouped(f, part, matches!(part, Self::Or(_)))
            }),
            Self::And(parts) => separated(f, parts, " and ", |f, part| {
                grouped(f, part, matches!(part, Self::Or(_) | Self::And(_)))
            }),
            Self::Not(inner) => {
                f.write_str("not ")?;
                grouped(f, inner, matches!(**inner, Self::Or(_) | Self::And(_)))
            }
            Self::Check(check) => write!(f, "{check}"),
            Self::Macro(name) => f.write_str(&name.text),
        }
    }
}

fn grouped(f: &mut fmt::Formatter<'_>, part: &Expression, in_parentheses: bool) -> fmt::Result {
    if in_parentheses {
        write!(f, "({part})")
    } else {
        write!(f, "{part}")
    }
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    separator: &str,
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        write(f, item)?;
    }
    Ok(())
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.left, self.operator.as_str())?;
        match &self.right {
            Right::Nothing => Ok(()),
            Right::Value(value) => write!(f, " {}", Quoted(&value.text)),
            Right::Several(modifier, values) => {
                write!(f, " {} (", modifier.as_str())?;
                separated(f, values, ", ", |f, value| {
                    write!(f, "{}", Quoted(&value.text))
                })?;
                f.write_str(")")
            }
            Right::List(values) => {
                f.write_str(" (")?;
                separated(f, values, ", ", |f, value| {
                    write!(f, "{}", Quoted(&value.text))
                })?;
                f.write_str(")")
            }
            Right::ListName(name) => write!(f, " {}", name.text),
            Right::Computed(operand) if matches!(operand, Operand::Field(_)) => {
                write!(f, " val({operand})")
            }
            Right::Computed(operand) => write!(f, " {operand}"),
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => write!(f, "{field}"),
            Self::Text(text) => write!(f, "{}", Quoted(&text.text)),
            Self::Call(call) => {
                write!(f, "{}(", call.function.as_str())?;
                separated(f, &call.arguments, ", ", |f, one| write!(f, "{one}"))?;
                f.write_str(")")
            }
            Self::List(items) => {
                f.write_str("(")?;
                separated(f, items, ", ", |f, item| write!(f, "{item}"))?;
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.argument {
            Some(argument) => write!(f, "[{}]", Quoted(argument)),
            None => Ok(()),
        }
    }
}

/// A text in quotes, escaped.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
