//! Why an object is refused, in words that say what to do.

use thiserror::Error;

use super::btf::BtfError;
use super::hook;

/// Why an object cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum ObjectError {
    /// The bytes are no object file.
    #[error(
        "is not an object file for BPF ({reason}): compile it with clang -target bpf -O2 -g -c"
    )]
    NotElf { reason: String },
    /// The object file is one for another machine.
    #[error(
        "is compiled for another machine (ELF machine {machine}): compile it with clang -target bpf"
    )]
    NotBpf { machine: u16 },
    /// There is nothing to run.
    #[error("has no program: a program is a function with SEC(\"HOOK/TARGET\")")]
    NoProgram,
    /// A section's name is not one of a hook.
    #[error(
        "program {program} is in the section \"{section}\", which {problem}; known are {}",
        hook::SUPPORTED
    )]
    Section {
        program: Box<str>,
        section: Box<str>,
        problem: &'static str,
    },
    /// There are no types.
    #[error("has no BTF: compile it with -g and don't strip .BTF")]
    NoBtf,
    /// The types cannot be read.
    #[error(transparent)]
    Btf(#[from] BtfError),
    /// It was built with other headers than ours of today.
    #[error(
        "was built for ABI {built} of eunomia.h, this program speaks ABI {speaks}: \
         compile it again with the headers of this version"
    )]
    Abi { built: u32, speaks: u32 },
    /// Nothing says what the records look like.
    #[error(
        "has no event: tag its struct with EVENT(), or keep its type with \
         \"const struct NAME *unused\", or describe its records with `layout` in the configuration"
    )]
    NoEvent,
    /// Several structs could be the event's.
    #[error(
        "has several global pointers to structs ({}), and none says which one is the event: \
         tag it with EVENT(), or keep only one",
        structs.join(", ")
    )]
    SeveralStructs { structs: Vec<String> },
    /// A layout contradicts the object.
    #[error("describes its event {event} itself: remove `layout`")]
    LayoutNotNeeded { event: Box<str> },
    /// Records of several events cannot be told apart.
    #[error(
        "has several events, and struct {record} does not begin with struct event_header: \
         without it their records can't be told apart"
    )]
    KindMissing { record: Box<str> },
    /// Records in the shared rings that nobody could tell from others'.
    #[error(
        "sends records of struct {record} through the shared rings without a number of their kind: \
         tag the struct with EVENT(), or declare \"const volatile __u32 kind_{record}\" and put it \
         into each header"
    )]
    KindUnset { record: Box<str> },
    /// An event's struct is not what its tag says.
    #[error("event {event}: {reason}")]
    Event { event: Box<str>, reason: String },
    /// A field's type and tags do not go together.
    #[error("field {field} of struct {record}: {reason}")]
    Field {
        record: Box<str>,
        field: Box<str>,
        reason: FieldError,
    },
    /// A tag is not written as the headers write it.
    #[error(
        "annotation \"{tag}\" of {on} is malformed, expected {expected}: use the macros of eunomia.h"
    )]
    Tag {
        tag: Box<str>,
        on: Box<str>,
        expected: &'static str,
    },
    /// Records on a way that is not read.
    #[error(
        "map {map} is a perf event array, which is not read: send the records through a ring buffer \
         (BPF_MAP_TYPE_RINGBUF)"
    )]
    PerfEventArray { map: Box<str> },
    /// A map tagged as a metric is not one that can be read as one.
    #[error("metric map {map}: {reason}")]
    Metric { map: Box<str>, reason: String },
    /// A variable tagged as an option cannot be one.
    #[error("option {option}: {reason}")]
    Option { option: Box<str>, reason: String },
}

/// Why a field cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum FieldError {
    /// Its type has no form as an attribute.
    #[error("its type ({what}) can't be shown")]
    Type { what: &'static str },
    /// Its type is not in the object's BTF.
    #[error("its type is not in the object's BTF")]
    Unknown,
    /// Types within types without end.
    #[error("its type is nested more than {limit} levels deep")]
    Depth { limit: usize },
    /// Arrays of structs multiply.
    #[error("it makes more than {limit} attributes of one struct")]
    TooMany { limit: usize },
    /// It stands beyond the struct's end.
    #[error("it ends at byte {end}, the struct has {size} bytes")]
    Beyond { end: u64, size: u32 },
    /// A rendering for another type.
    #[error("{annotation} is for {wanted}")]
    Annotation {
        annotation: &'static str,
        wanted: &'static str,
    },
    /// A named enumeration that is not in the object.
    #[error("the enum {name} is not in the object's BTF")]
    NoEnum { name: Box<str> },
    /// A number that the type cannot hold.
    #[error("the number {number} doesn't fit into its type")]
    Number { number: i128 },
}
