use std::collections::BTreeMap;

use eunomia_core::schema::Shape;

use crate::object::{Event, Hook, Object};

fn built_in() -> Vec<Object> {
    eunomia_probes::PROBES
        .iter()
        .map(|probe| Object::parse(probe.name, probe.object).unwrap())
        .collect()
}

/// Every built-in object can be filtered, tells its events apart, and has a name
/// for every attribute.
#[test]
fn built_in_objects_are_described_in_full() {
    for object in built_in() {
        assert!(object.has_filter(), "{}", object.name);
        assert!(!object.events.is_empty(), "{}", object.name);
        assert_eq!(object.own_rings().count(), 0, "{}", object.name);
        for event in &object.events {
            let at = format!("{} {}", object.name, event.record);
            assert!(event.schema.header.is_some(), "{at}");
            assert!(event.kind_global.is_some(), "{at}");
            assert_eq!(event.skipped, [], "{at}");
            assert_is_named(&object, event);
        }
    }
}

#[track_caller]
fn assert_is_named(object: &Object, event: &Event) {
    let padding = format!("eunomia.{}.pad", object.name);
    for attribute in &event.schema.attributes {
        let name = attribute.key.name();
        assert_ne!(name, padding);
        let at = attribute.field.offset;
        assert!(at < event.schema.size, "{name} at {at}");
    }
}

/// Events of one name look the same whichever object sends them, and every
/// system call's program has a slot.
#[test]
fn built_in_events_and_programs_fit_together() {
    let objects = built_in();
    let mut known = BTreeMap::new();
    for event in objects.iter().flat_map(|object| &object.events) {
        let name = event.schema.name.name();
        if !event.is_state_only() {
            let shapes: Vec<(&str, &Shape)> = event
                .schema
                .attributes
                .iter()
                .map(|attribute| (attribute.key.name(), &attribute.field.shape))
                .collect();
            let before = known.entry(name).or_insert_with(|| shapes.clone());
            assert_eq!(*before, shapes, "{name}");
        }
    }
    for program in objects.iter().flat_map(|object| &object.programs) {
        let is_called = !program.syscalls.is_empty();
        assert_eq!(program.slot_global.is_some(), is_called, "{}", program.name);
        assert!(!is_called || program.hook == Hook::TpBtf("sys_exit".into()));
    }
}
