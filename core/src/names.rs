//! Names of numbers: enumerators from BTF, errno and signal names.

use serde::{Deserialize, Serialize};

use crate::value::{Item, ShortText};

/// Names of an enumeration's or a flag set's values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Smallest value first.
    by_value: Vec<(u64, Box<str>)>,
    /// Positions of values with several bits.
    wide: Vec<usize>,
}

impl Names {
    /// Collects `(value, name)` pairs; the first name of a value stays.
    pub fn new<N: AsRef<str>>(pairs: impl IntoIterator<Item = (u64, N)>) -> Self {
        let boxed = |(value, name): (u64, N)| (value, Box::from(name.as_ref()));
        let mut by_value: Vec<(u64, Box<str>)> = pairs.into_iter().map(boxed).collect();
        by_value.sort_by_key(|(value, _)| *value);
        by_value.dedup_by_key(|(value, _)| *value);
        let positions = by_value.iter().enumerate();
        let wide = positions
            .filter(|(_, (value, _))| value.count_ones() > 1)
            .map(|(position, _)| position);
        Self {
            wide: wide.collect(),
            by_value,
        }
    }

    /// The name of exactly `value`.
    #[must_use]
    pub fn get(&self, value: u64) -> Option<&str> {
        let position = self
            .by_value
            .binary_search_by_key(&value, |(value, _)| *value)
            .ok()?;
        self.by_value.get(position).map(|(_, name)| name.as_ref())
    }

    /// All values with their names, smallest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &str)> {
        self.by_value
            .iter()
            .map(|(value, name)| (*value, name.as_ref()))
    }

    /// Names the flags in `bits`: first the value under `mask`, then wide names
    /// (several bits) before the single bits they contain, then what has no name
    /// as one hex number.
    pub fn for_each_flag<'a>(&'a self, bits: u64, mask: u64, mut each: impl FnMut(Item<'a>)) {
        let mut rest = bits & !mask;
        let mut nameless = 0;
        if mask != 0 {
            match self.get(bits & mask) {
                Some(name) => each(Item::Text(name.as_bytes())),
                None => nameless |= bits & mask,
            }
        }
        for (value, name) in self
            .wide
            .iter()
            .filter_map(|position| self.by_value.get(*position))
        {
            let flags = value & !mask;
            if flags.count_ones() > 1 && rest & flags == flags {
                each(Item::Text(name.as_bytes()));
                rest &= !flags;
            }
        }
        while rest != 0 {
            let bit = 1 << rest.trailing_zeros();
            rest &= !bit;
            match self.get(bit) {
                Some(name) => each(Item::Text(name.as_bytes())),
                None => nameless |= bit,
            }
        }
        if nameless != 0 {
            each(Item::Short(ShortText::format(format_args!(
                "{nameless:#x}"
            ))));
        }
    }
}

/// The name of a Linux errno, such as `ENOENT`, on the architectures that use
/// the generic numbers (x86-64 and arm64 do).
#[must_use]
pub fn errno(number: u64) -> Option<&'static str> {
    usize::try_from(number)
        .ok()
        .and_then(|number| ERRNO.get(number))
        .copied()
        .filter(|name| !name.is_empty())
}

/// The name of a Linux signal, such as `SIGKILL`; real-time signals are
/// `SIGRTMIN+n` and have none here.
#[must_use]
pub fn signal(number: u64) -> Option<&'static str> {
    usize::try_from(number)
        .ok()
        .and_then(|number| SIGNAL.get(number))
        .copied()
        .filter(|name| !name.is_empty())
}

/// By number; from the kernel's `errno-base.h` and generic `errno.h`.
const ERRNO: [&str; 134] = [
    "",
    "EPERM",
    "ENOENT",
    "ESRCH",
    "EINTR",
    "EIO",
    "ENXIO",
    "E2BIG",
    "ENOEXEC",
    "EBADF",
    "ECHILD",
    "EAGAIN",
    "ENOMEM",
    "EACCES",
    "EFAULT",
    "ENOTBLK",
    "EBUSY",
    "EEXIST",
    "EXDEV",
    "ENODEV",
    "ENOTDIR",
    "EISDIR",
    "EINVAL",
    "ENFILE",
    "EMFILE",
    "ENOTTY",
    "ETXTBSY",
    "EFBIG",
    "ENOSPC",
    "ESPIPE",
    "EROFS",
    "EMLINK",
    "EPIPE",
    "EDOM",
    "ERANGE",
    "EDEADLK",
    "ENAMETOOLONG",
    "ENOLCK",
    "ENOSYS",
    "ENOTEMPTY",
    "ELOOP",
    "",
    "ENOMSG",
    "EIDRM",
    "ECHRNG",
    "EL2NSYNC",
    "EL3HLT",
    "EL3RST",
    "ELNRNG",
    "EUNATCH",
    "ENOCSI",
    "EL2HLT",
    "EBADE",
    "EBADR",
    "EXFULL",
    "ENOANO",
    "EBADRQC",
    "EBADSLT",
    "",
    "EBFONT",
    "ENOSTR",
    "ENODATA",
    "ETIME",
    "ENOSR",
    "ENONET",
    "ENOPKG",
    "EREMOTE",
    "ENOLINK",
    "EADV",
    "ESRMNT",
    "ECOMM",
    "EPROTO",
    "EMULTIHOP",
    "EDOTDOT",
    "EBADMSG",
    "EOVERFLOW",
    "ENOTUNIQ",
    "EBADFD",
    "EREMCHG",
    "ELIBACC",
    "ELIBBAD",
    "ELIBSCN",
    "ELIBMAX",
    "ELIBEXEC",
    "EILSEQ",
    "ERESTART",
    "ESTRPIPE",
    "EUSERS",
    "ENOTSOCK",
    "EDESTADDRREQ",
    "EMSGSIZE",
    "EPROTOTYPE",
    "ENOPROTOOPT",
    "EPROTONOSUPPORT",
    "ESOCKTNOSUPPORT",
    "EOPNOTSUPP",
    "EPFNOSUPPORT",
    "EAFNOSUPPORT",
    "EADDRINUSE",
    "EADDRNOTAVAIL",
    "ENETDOWN",
    "ENETUNREACH",
    "ENETRESET",
    "ECONNABORTED",
    "ECONNRESET",
    "ENOBUFS",
    "EISCONN",
    "ENOTCONN",
    "ESHUTDOWN",
    "ETOOMANYREFS",
    "ETIMEDOUT",
    "ECONNREFUSED",
    "EHOSTDOWN",
    "EHOSTUNREACH",
    "EALREADY",
    "EINPROGRESS",
    "ESTALE",
    "EUCLEAN",
    "ENOTNAM",
    "ENAVAIL",
    "EISNAM",
    "EREMOTEIO",
    "EDQUOT",
    "ENOMEDIUM",
    "EMEDIUMTYPE",
    "ECANCELED",
    "ENOKEY",
    "EKEYEXPIRED",
    "EKEYREVOKED",
    "EKEYREJECTED",
    "EOWNERDEAD",
    "ENOTRECOVERABLE",
    "ERFKILL",
    "EHWPOISON",
];

/// By number, as x86-64 and arm64 count them.
const SIGNAL: [&str; 32] = [
    "",
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

#[cfg(test)]
mod tests {
    use super::{Names, errno, signal};
    use crate::value::Item;

    #[track_caller]
    fn named(bits: u64, expected: &[&str]) {
        let names = Names::new([
            (0, "O_RDONLY"),
            (1, "O_WRONLY"),
            (2, "O_RDWR"),
            (0o100, "O_CREAT"),
            (0o4_010_000, "O_SYNC"),
            (0o10_000, "O_DSYNC"),
        ]);
        let mut shown = Vec::new();
        names.for_each_flag(bits, 3, |item| match item {
            Item::Text(text) => shown.push(String::from_utf8_lossy(text).into_owned()),
            Item::Short(text) => shown.push(text.as_str().to_owned()),
            Item::Int(_) | Item::Uint(_) => panic!("flags are names"),
        });
        assert_eq!(shown, expected);
    }

    /// The access mode is a value and comes first; `O_SYNC` contains `O_DSYNC`.
    #[test]
    fn flags_are_named_access_mode_first() {
        named(0, &["O_RDONLY"]);
        named(0o102, &["O_RDWR", "O_CREAT"]);
        named(0o4_010_001, &["O_WRONLY", "O_SYNC"]);
        named(0o10_003, &["O_DSYNC", "0x3"]);
        named(0x4000_0000, &["O_RDONLY", "0x40000000"]);
    }

    /// Spot checks at the ends and around the two holes of the errno table.
    #[test]
    fn numbers_of_the_kernel_have_their_names() {
        assert_eq!(errno(2), Some("ENOENT"));
        assert_eq!(errno(40), Some("ELOOP"));
        assert_eq!(errno(41), None);
        assert_eq!(errno(42), Some("ENOMSG"));
        assert_eq!(errno(111), Some("ECONNREFUSED"));
        assert_eq!(errno(133), Some("EHWPOISON"));
        assert_eq!((errno(0), errno(134)), (None, None));
        assert_eq!(
            (signal(9), signal(31), signal(0), signal(34)),
            (Some("SIGKILL"), Some("SIGSYS"), None, None)
        );
    }
}
