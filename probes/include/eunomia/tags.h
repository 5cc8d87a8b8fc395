/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the fields of an event mean. The tags stand in the object's BTF, where the loader reads them: the struct of an
 * event is its schema, and nothing about it is written down a second time.
 */
#ifndef EUNOMIA_TAGS_H
#define EUNOMIA_TAGS_H

#define EUN_TAG(text) __attribute__((btf_decl_tag(text)))

/* ---- on the members of an event ---- */

/* The field is exported under this attribute name. A member without ATTR is not exported. */
#define ATTR(name) EUN_TAG("attr:" name)

/*
 * One more attribute out of the same field: "first" (of a list), "joined" (a list, with blanks), "base" (the last part
 * of a path).
 */
#define DERIVED(how, name) EUN_TAG("derive:" how ":" name)

/*
 * The field feeds the table of processes or of cgroups. On every record: time, start_time, exec_count, pid, parent_pid,
 * cgroup_id, cgroup_hierarchy (struct event_header). On a fork: child_start_time, child_exec_count, child_pid,
 * child_vpid, child_parent_pid, child_cgroup_id, child_cgroup_hierarchy. On exec and task: executable. On a cgroup:
 * path.
 */
#define ROLE(role) EUN_TAG("role:" role)

/* The unit, as UCUM writes it. */
#define UNIT(unit) EUN_TAG("unit:" unit)

#define ERRNO      EUN_TAG("render:errno")  /* a positive errno, by its name; 0 is absent */
#define SIGNAL     EUN_TAG("render:signal") /* a signal, by its name; 0 is absent */
#define HEX        EUN_TAG("render:hex")
#define OCTAL      EUN_TAG("render:octal")
#define PORT       EUN_TAG("render:port") /* 16 bits in network byte order */

/* The field is a set of the enumerators of an enum; the part under mask is one value, looked up first. See NAMES. */
#define FLAGS(names, mask) EUN_TAG("flags:" #names ":" #mask)

/* The field is the value of an enumerator, exported as its name. See NAMES. */
#define ENUM(names) EUN_TAG("enum:" #names)

/* The attribute does not exist where the field holds this value. */
#define ABSENT(value) EUN_TAG("absent:" #value)

/* ---- at file scope ---- */

/*
 * A type that no global refers to is dropped from BTF, so these pointers keep it. They stand in a section of their own,
 * which loaders skip; in .bss they would cost a map.
 */
#define EUN_KEEP __attribute__((section(".eunomia"), used))

/* Keeps enum names, so that FLAGS and ENUM find their enumerators. */
#define NAMES(names) enum names *const eunomia_names_##names EUN_KEEP = 0

/* struct type is an event. The loader writes the number of its kind into kind_TYPE before it loads the object. */
#define EVENT(type, name)                                                                                              \
	struct type *const eunomia_event_##type EUN_KEEP EUN_TAG("event:" name) = 0;                                   \
	const volatile __u32 kind_##type = 0

/* The same for what feeds the tables: role is fork, exec, exit, task, cgroup or cgroup_end; an empty name stays in. */
#define LIFECYCLE_EVENT(type, name, role)                                                                              \
	struct type *const eunomia_event_##type EUN_KEEP EUN_TAG("event:" name) EUN_TAG("role:" role)                  \
		EUN_TAG("lifecycle:") = 0;                                                                             \
	const volatile __u32 kind_##type = 0

/* ---- on globals and maps ---- */

/* A const volatile global that the user may set; the object holds its default. */
#define OPTION(key, doc) EUN_TAG("option:" key) EUN_TAG("doc:" doc)

/* A map that is exported: kind is counter, gauge or histogram (an array of log2 slots). */
#define METRIC(name, unit, kind) EUN_TAG("metric:" kind ":" unit ":" name)

/* An array that needs this many entries for each possible CPU: the loader sets max_entries. */
#define PER_CPU(entries) EUN_TAG("per_cpu:" #entries)

#endif
