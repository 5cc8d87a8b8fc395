//! Metric maps: how keys and values of a tagged map become points.
//!
//! The key's members are attributes. A value that is one number is the metric
//! itself; of a struct each member is one, called `<metric>.<member>` unless it
//! is the only one or has a METRIC tag of its own. A histogram is an array of counts, slot `i` of
//! the values from `2^i` up to below `2^(i+1)` (the first also of 0), the last
//! also of everything above; a member of the same struct with ROLE("sum") is
//! their sum.

use std::sync::Arc;

use eunomia_core::key::Key;
use eunomia_core::metric::{Histogram, MetricDescriptor, MetricKind, Point, PointValue};
use eunomia_core::schema::{Attribute, Field, IntegerSize, Shape};
use eunomia_core::subject::{Attributes, CgroupKey};
use eunomia_core::time::WallNanos;
use eunomia_core::value::{OwnedValue, Value, read_signed, read_unsigned};

use super::btf::{Btf, Kind, TypeId};
use super::error::ObjectError;
use super::fields;
use super::map::{Definition, Map};
use super::schema::{check_names, prefix};
use super::shape::{self, Form};
use super::tags::{self, MetricTag, Tags};

/// A map that is exported as metrics.
#[derive(Clone, Debug)]
pub struct Metric {
    /// The map.
    pub map: Map,
    /// The attributes of its points, read from a key.
    pub attributes: Vec<Attribute>,
    /// The metrics in each value.
    pub values: Vec<MetricValue>,
    cgroup_id: Option<Field>,
    cgroup_hierarchy: Option<Field>,
}

/// One metric in the values of a map.
#[derive(Clone, Debug)]
pub struct MetricValue {
    /// What it is.
    pub metric: Arc<MetricDescriptor>,
    offset: u32,
    form: ValueForm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueForm {
    Integer {
        size: IntegerSize,
        signed: bool,
    },
    Log2 {
        size: IntegerSize,
        slots: u32,
        /// Where the sum stands.
        sum: Option<(u32, IntegerSize)>,
    },
}

/// More slots than a number of 64 bits has bits say nothing.
const MAX_SLOTS: u32 = 64;

/// The metric that the map is, if it is tagged as one.
pub(crate) fn read(
    probe: &str,
    btf: &Btf,
    definition: &Definition<'_>,
) -> Result<Option<Metric>, ObjectError> {
    let Some(tag) = definition.tags.metric() else {
        return Ok(None);
    };
    let wrong = |reason: &str| ObjectError::Metric {
        map: definition.map.name.clone(),
        reason: reason.to_owned(),
    };
    if !definition.map.map_type.is_table() {
        return Err(wrong(
            "expected a hash, an array, or the per-CPU or LRU form of one",
        ));
    }
    let (Some(key), Some(value)) = (definition.key, definition.value) else {
        return Err(wrong("give its key and value as __type()"));
    };
    let key = Keys::read(probe, btf, key, definition)?;
    check_names(&key.attributes).map_err(|reason| wrong(&reason))?;
    let reader = ValueReader {
        btf,
        tag,
        doc: definition.tags.doc().unwrap_or_default(),
        map: &definition.map.name,
    };
    Ok(Some(Metric {
        map: definition.map.clone(),
        attributes: key.attributes,
        values: reader.values(value)?,
        cgroup_id: key.cgroup_id,
        cgroup_hierarchy: key.cgroup_hierarchy,
    }))
}

struct Keys {
    attributes: Vec<Attribute>,
    cgroup_id: Option<Field>,
    cgroup_hierarchy: Option<Field>,
}

impl Keys {
    fn read(
        probe: &str,
        btf: &Btf,
        key: TypeId,
        definition: &Definition<'_>,
    ) -> Result<Self, ObjectError> {
        let wrong = |reason: String| ObjectError::Metric {
            map: definition.map.name.clone(),
            reason,
        };
        let shape = match shape::form(btf, key) {
            Ok(Form::Struct(..)) => {
                let found = fields::read(btf, key, &prefix(probe))?;
                let role = |wanted: &str| {
                    let mut roles = found.roles.iter();
                    let found = roles.find(|(role, _)| &**role == wanted);
                    found.map(|(_, field)| field.clone())
                };
                return Ok(Self {
                    cgroup_id: role("cgroup_id"),
                    cgroup_hierarchy: role("cgroup_hierarchy"),
                    attributes: found.attributes,
                });
            }
            Ok(Form::Leaf(shape)) => shape,
            Ok(Form::Array { .. }) => return Err(wrong("put its key into a struct".into())),
            Err(error) => return Err(wrong(format!("its key: {error}"))),
        };
        let shape = match definition.tags.rendering() {
            Some(rendering) => shape::rendered(btf, &shape, rendering)
                .map_err(|error| wrong(format!("its key: {error}")))?,
            None => shape,
        };
        // The only entry of an array has nothing to be told from.
        let is_one = definition.map.map_type.is_array() && definition.map.max_entries == 1;
        let name = definition.tags.attribute().map(str::to_owned);
        let name = name.unwrap_or_else(|| format!("{}.key", prefix(probe)));
        let field = Field {
            offset: 0,
            shape,
            absent: None,
        };
        let attribute = (!is_one).then(|| Attribute::new(&name, field, None));
        Ok(Self {
            attributes: attribute.into_iter().collect(),
            cgroup_id: None,
            cgroup_hierarchy: None,
        })
    }
}

struct ValueReader<'a> {
    btf: &'a Btf,
    tag: MetricTag<'a>,
    doc: &'a str,
    map: &'a str,
}

impl ValueReader<'_> {
    fn wrong(&self, reason: String) -> ObjectError {
        ObjectError::Metric {
            map: self.map.into(),
            reason,
        }
    }

    fn values(&self, value: TypeId) -> Result<Vec<MetricValue>, ObjectError> {
        let (id, found) = self
            .btf
            .resolve(value)
            .ok_or_else(|| self.wrong("its value has no type".into()))?;
        let Kind::Struct { members, .. } = &found.kind else {
            let form = self.form(value, self.tag.kind, None)?;
            return Ok(vec![describe(self.tag, self.doc, 0, form)]);
        };
        let mut tags = Vec::new();
        for (index, member) in members.iter().enumerate() {
            let on = format!("field {} of struct {}", member.name, found.name);
            tags.push(tags::parse(self.btf.member_tags(id, index), &on)?);
        }
        let members = || members.iter().zip(&tags);
        let is_sum = |tags: &Tags<'_>| tags.role() == Some("sum");
        let sum = match members().find(|(_, tags)| is_sum(tags)) {
            Some((member, _)) => {
                let (size, _) = self.integer(member.target)?;
                Some((member.bit_offset / 8, size))
            }
            None => None,
        };
        let is_one = members().filter(|(_, tags)| !is_sum(tags)).count() == 1;
        let mut values = Vec::new();
        for (member, tags) in members().filter(|(_, tags)| !is_sum(tags)) {
            let name = if is_one {
                self.tag.name.to_owned()
            } else {
                format!("{}.{}", self.tag.name, member.name)
            };
            let tag = tags.metric().unwrap_or(MetricTag {
                kind: self.tag.kind,
                unit: tags.unit().unwrap_or(self.tag.unit),
                name: &name,
            });
            let form = self.form(member.target, tag.kind, sum)?;
            let offset = member.bit_offset / 8;
            values.push(describe(tag, tags.doc().unwrap_or(self.doc), offset, form));
        }
        if values.is_empty() {
            return Err(self.wrong("its value has no member".into()));
        }
        Ok(values)
    }

    fn form(
        &self,
        id: TypeId,
        kind: MetricKind,
        sum: Option<(u32, IntegerSize)>,
    ) -> Result<ValueForm, ObjectError> {
        if kind != MetricKind::Histogram {
            let (size, signed) = self.integer(id)?;
            return Ok(ValueForm::Integer { size, signed });
        }
        let array = self.btf.resolve(id).and_then(|(_, found)| {
            if let Kind::Array { element, count } = found.kind {
                Some((element, count))
            } else {
                None
            }
        });
        let Some((element, slots)) = array.filter(|(_, slots)| (1..=MAX_SLOTS).contains(slots))
        else {
            return Err(self.wrong(format!(
                "the value of a histogram is an array of 1 to {MAX_SLOTS} counts, one for each \
                 power of two"
            )));
        };
        let (size, _) = self.integer(element)?;
        Ok(ValueForm::Log2 { size, slots, sum })
    }

    fn integer(&self, id: TypeId) -> Result<(IntegerSize, bool), ObjectError> {
        if let Ok(Form::Leaf(Shape::Integer { size, signed, .. })) = shape::form(self.btf, id) {
            Ok((size, signed))
        } else {
            Err(self.wrong("the value of a counter or gauge is an integer".into()))
        }
    }
}

fn describe(tag: MetricTag<'_>, doc: &str, offset: u32, form: ValueForm) -> MetricValue {
    MetricValue {
        metric: Arc::new(MetricDescriptor {
            name: Key::new(tag.name),
            unit: tag.unit.into(),
            description: doc.into(),
            kind: tag.kind,
        }),
        offset,
        form,
    }
}

impl Metric {
    /// Calls `each` with the points of one entry: its key, and its value as each
    /// CPU has it (one, unless the map is per CPU). What is on several CPUs is
    /// added up. Entries of arrays that nobody has touched are left out, unless
    /// the array has no other.
    pub fn points(
        &self,
        key: &[u8],
        values: &[&[u8]],
        start: WallNanos,
        mut each: impl FnMut(Point),
    ) {
        let is_untouched = || {
            values
                .iter()
                .all(|value| value.iter().all(|byte| *byte == 0))
        };
        if self.map.map_type.is_array() && self.map.max_entries != 1 && is_untouched() {
            return;
        }
        let attributes = self.key_attributes(key);
        for value in &self.values {
            each(Point {
                metric: Arc::clone(&value.metric),
                attributes: attributes.clone(),
                cgroup: None,
                container: None,
                start,
                value: value.read(values),
            });
        }
    }

    /// The attributes in `key`.
    #[must_use]
    pub fn key_attributes(&self, key: &[u8]) -> Attributes {
        let mut attributes = Attributes::default();
        for attribute in &self.attributes {
            if let Some(value) = attribute.field.read(key) {
                attributes.push(&attribute.key, OwnedValue::from(value));
            }
        }
        attributes
    }

    /// The cgroup in `key`, where members of it have the roles of one.
    #[must_use]
    pub fn cgroup(&self, key: &[u8]) -> Option<CgroupKey> {
        let read = |field: &Option<Field>| {
            let Value::Uint(number) = field.as_ref()?.read(key)? else {
                return None;
            };
            Some(number)
        };
        Some(CgroupKey {
            id: read(&self.cgroup_id)?,
            hierarchy: read(&self.cgroup_hierarchy)
                .and_then(|number| u32::try_from(number).ok())
                .unwrap_or(0),
        })
    }
}

impl MetricValue {
    fn read(&self, values: &[&[u8]]) -> PointValue {
        let sum = |offset: u32, size| {
            let all = values.iter();
            all.filter_map(|value| slice(value, offset, size))
                .fold(0u64, |sum, bytes| sum.wrapping_add(read_unsigned(bytes)))
        };
        match self.form {
            ValueForm::Integer {
                size,
                signed: false,
            } => PointValue::Uint(sum(self.offset, size)),
            ValueForm::Integer { size, signed: true } => {
                let all = values.iter();
                PointValue::Int(
                    all.filter_map(|value| slice(value, self.offset, size))
                        .fold(0i64, |sum, bytes| sum.wrapping_add(read_signed(bytes))),
                )
            }
            ValueForm::Log2 {
                size,
                slots,
                sum: at,
            } => {
                let width = u32::try_from(size.bytes()).unwrap_or(8);
                let buckets: Vec<_> = (0..slots)
                    .map(|slot| {
                        let offset = self.offset.saturating_add(slot * width);
                        (upper_bound(slot, slots), sum(offset, size))
                    })
                    .collect();
                PointValue::Histogram(Histogram {
                    count: buckets
                        .iter()
                        .fold(0u64, |count, (_, here)| count.wrapping_add(*here)),
                    sum: at.map(|(offset, size)| to_float(sum(offset, size))),
                    buckets,
                })
            }
        }
    }
}

/// The largest value that is counted in `slot`.
fn upper_bound(slot: u32, slots: u32) -> f64 {
    if slot + 1 == slots {
        f64::INFINITY
    } else {
        to_float((1u64 << (slot + 1)).wrapping_sub(1))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "bounds and sums are floating-point everywhere"
)]
fn to_float(number: u64) -> f64 {
    number as f64
}

fn slice(value: &[u8], offset: u32, size: IntegerSize) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    value.get(start..start.checked_add(size.bytes())?)
}
