//! The members of a struct as attributes and roles.

use std::borrow::Cow;
use std::collections::BTreeSet;

use eunomia_core::schema::{Attribute, Field, Shape};

use super::btf::{Btf, Member, TypeId};
use super::error::{FieldError, ObjectError};
use super::shape::{self, Form};
use super::tags::{self, Tags};

/// What a struct's members are.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    /// Exported members, in the order of the struct.
    pub(crate) attributes: Vec<Attribute>,
    /// Members with a role, as numbers.
    pub(crate) roles: Vec<(Box<str>, Field)>,
    /// Members that have no form as an attribute.
    pub(crate) skipped: Vec<Skipped>,
}

/// A member without annotations that cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its name, with dots.
    pub field: Box<str>,
    /// Why it is left out.
    pub reason: FieldError,
}

/// Kernel code nests structs a few levels deep.
const MAX_DEPTH: usize = 16;
/// More columns than anybody reads; arrays of arrays multiply quickly.
const MAX_ATTRIBUTES: usize = 512;
/// Members looked at, exported or not: structs of structs multiply too.
const MAX_MEMBERS: usize = 4096;

/// Reads the members of the struct `id`; those of structs without annotations
/// are called `prefix.<member>`.
pub(crate) fn read(btf: &Btf, id: TypeId, prefix: &str) -> Result<Fields, ObjectError> {
    let (id, found) = btf.resolve(id).ok_or_else(|| ObjectError::Field {
        record: prefix.into(),
        field: "".into(),
        reason: FieldError::Unknown,
    })?;
    let mut walk = Walk {
        btf,
        record: &found.name,
        size: btf.size(id).unwrap_or(0),
        seen: 0,
        fields: Fields::default(),
    };
    if let Ok(Form::Struct(id, members)) = shape::form(btf, id) {
        let at = Place {
            path: Cow::Borrowed(""),
            prefix: Some(prefix.into()),
            base: 0,
            depth: 0,
        };
        walk.members(id, members, &at)?;
    }
    Ok(walk.fields)
}

struct Walk<'a> {
    btf: &'a Btf,
    record: &'a str,
    size: u32,
    seen: usize,
    fields: Fields,
}

/// Where the walk stands.
#[derive(Clone)]
struct Place<'p> {
    /// The members that led here, with dots; for messages.
    path: Cow<'p, str>,
    /// What attributes below are called by; `None` if only annotated ones are
    /// exported.
    prefix: Option<String>,
    /// Bytes from the record's first one.
    base: u32,
    depth: usize,
}

impl Place<'_> {
    fn below(&self, name: &str, prefix: Option<String>, offset: u32) -> Place<'static> {
        Place {
            path: dotted(&self.path, name).into(),
            prefix,
            base: self.base.saturating_add(offset),
            depth: self.depth,
        }
    }

    fn deeper(&self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self.clone()
        }
    }
}

/// `name` below `path`; anonymous members are their members.
fn dotted(path: &str, name: &str) -> String {
    match (path, name) {
        (path, "") => path.to_owned(),
        ("", name) => name.to_owned(),
        (path, name) => format!("{path}.{name}"),
    }
}

impl<'a> Walk<'a> {
    fn members(
        &mut self,
        id: TypeId,
        members: &[Member],
        at: &Place<'_>,
    ) -> Result<(), ObjectError> {
        let tags = self.tags(id, members)?;
        let is_annotated = self.is_annotated(members, &tags)?;
        for (member, tags) in members.iter().zip(&tags) {
            let explicit = tags.attribute().map(str::to_owned);
            let implied = at
                .prefix
                .as_ref()
                .filter(|_| !is_annotated)
                .map(|prefix| dotted(prefix, &member.name));
            let at = at.below(&member.name, explicit.or(implied), 0);
            if let Err(reason) = self.member(member, tags, &at)? {
                self.refuse(reason, tags, &at)?;
            }
        }
        Ok(())
    }

    fn tags(&self, id: TypeId, members: &[Member]) -> Result<Vec<Tags<'a>>, ObjectError> {
        let btf = self.btf;
        let read = |(index, member): (usize, &Member)| {
            let on = format!("field {} of struct {}", member.name, self.record);
            tags::parse(btf.member_tags(id, index), &on)
        };
        members.iter().enumerate().map(read).collect()
    }

    /// Whether the author chose what is exported: by an annotation of a member, or
    /// of one in the structs within. The header is annotated for everybody.
    fn is_annotated(&self, members: &[Member], tags: &[Tags<'_>]) -> Result<bool, ObjectError> {
        if tags.iter().any(Tags::are_annotations) {
            return Ok(true);
        }
        let mut seen = BTreeSet::new();
        let mut open: Vec<_> = members.iter().map(|member| member.target).collect();
        while let Some(target) = open.pop() {
            let Ok(Form::Struct(id, members)) = shape::form(self.btf, target) else {
                continue;
            };
            if !seen.insert(id) {
                continue;
            }
            let tags = self.tags(id, members)?;
            let is_header = tags
                .iter()
                .any(|tags| tags.roles().any(|role| role == "time"));
            if !is_header && tags.iter().any(Tags::are_annotations) {
                return Ok(true);
            }
            open.extend(members.iter().map(|member| member.target));
        }
        Ok(false)
    }

    /// What cannot be shown is an error if somebody asked for it, and left out
    /// if it only stands in the struct.
    fn refuse(
        &mut self,
        reason: FieldError,
        tags: &Tags<'_>,
        at: &Place<'_>,
    ) -> Result<(), ObjectError> {
        let is_limit = matches!(
            reason,
            FieldError::TooMany { .. } | FieldError::Depth { .. }
        );
        if tags.are_annotations() || is_limit {
            return Err(ObjectError::Field {
                record: self.record.into(),
                field: (*at.path).into(),
                reason,
            });
        }
        if at.prefix.is_some() {
            self.fields.skipped.push(Skipped {
                field: (*at.path).into(),
                reason,
            });
        }
        Ok(())
    }

    /// One member: the outer error ends the object, the inner one is for
    /// [`Self::refuse`].
    fn member(
        &mut self,
        member: &Member,
        tags: &Tags<'_>,
        at: &Place<'_>,
    ) -> Result<Result<(), FieldError>, ObjectError> {
        if member.bit_size > 0 || !member.bit_offset.is_multiple_of(8) {
            let bits = shape::bits(self.btf, member);
            return Ok(bits.and_then(|(offset, shape)| {
                let at = at.below("", at.prefix.clone(), offset);
                self.leaf(shape, tags, &at)
            }));
        }
        let at = at.below("", at.prefix.clone(), member.bit_offset / 8);
        self.value(member.target, tags, &at)
    }

    fn value(
        &mut self,
        target: TypeId,
        tags: &Tags<'_>,
        at: &Place<'_>,
    ) -> Result<Result<(), FieldError>, ObjectError> {
        self.seen += 1;
        if at.depth > MAX_DEPTH {
            return Ok(Err(FieldError::Depth { limit: MAX_DEPTH }));
        }
        if self.seen > MAX_MEMBERS {
            return Ok(Err(FieldError::TooMany { limit: MAX_MEMBERS }));
        }
        match shape::form(self.btf, target) {
            Err(reason) => Ok(Err(reason)),
            Ok(Form::Leaf(shape)) => Ok(self.leaf(shape, tags, at)),
            Ok(Form::Struct(id, members)) => self.members(id, members, &at.deeper()).map(Ok),
            Ok(Form::Array { element, count }) => self.array((element, count), tags, at),
        }
    }

    fn array(
        &mut self,
        (element, count): (TypeId, u32),
        tags: &Tags<'_>,
        at: &Place<'_>,
    ) -> Result<Result<(), FieldError>, ObjectError> {
        // Annotations inside would give every element the same name.
        if at.prefix.is_none() {
            return Ok(Ok(()));
        }
        let Some(size) = self.btf.size(element) else {
            return Ok(Err(FieldError::Unknown));
        };
        if usize::try_from(count).unwrap_or(usize::MAX) > MAX_ATTRIBUTES {
            let limit = MAX_ATTRIBUTES;
            return Ok(Err(FieldError::TooMany { limit }));
        }
        for index in 0..count {
            let name = index.to_string();
            let prefix = at.prefix.as_ref().map(|prefix| dotted(prefix, &name));
            let at = at.below(&name, prefix, index.saturating_mul(size));
            if let Err(reason) = self.value(element, tags, &at.deeper())? {
                return Ok(Err(reason));
            }
        }
        Ok(Ok(()))
    }

    fn leaf(&mut self, shape: Shape, tags: &Tags<'_>, at: &Place<'_>) -> Result<(), FieldError> {
        let end = u64::from(at.base) + shape::width(&shape);
        if end > u64::from(self.size) {
            let size = self.size;
            return Err(FieldError::Beyond { end, size });
        }
        let shape = match tags.rendering() {
            Some(rendering) => shape::rendered(self.btf, &shape, rendering)?,
            None => shape,
        };
        let absent = tags.absent().map(|number| shape::absent(&shape, number));
        let field = Field {
            offset: at.base,
            shape,
            absent: absent.transpose()?,
        };
        self.attributes(field, tags, at)
    }

    fn attributes(
        &mut self,
        field: Field,
        tags: &Tags<'_>,
        at: &Place<'_>,
    ) -> Result<(), FieldError> {
        if let Some(name) = &at.prefix {
            let attribute = Attribute::new(name, field.clone(), tags.unit());
            self.fields.attributes.push(attribute);
        }
        for (part, name) in tags.derived() {
            let shape = shape::part(&field.shape, part)?;
            let field = Field { shape, ..field };
            let attribute = Attribute::new(name, field, None);
            self.fields.attributes.push(attribute);
        }
        for role in tags.roles() {
            let shape = shape::raw(&field.shape);
            let field = Field { shape, ..field };
            self.fields.roles.push((role.into(), field));
        }
        if self.fields.attributes.len() > MAX_ATTRIBUTES {
            let limit = MAX_ATTRIBUTES;
            return Err(FieldError::TooMany { limit });
        }
        Ok(())
    }
}
