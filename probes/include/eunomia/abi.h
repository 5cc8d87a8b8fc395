/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What a record in a ring looks like. Fields are found by BTF, so their order is free; only kind stands at offset 0. */
#ifndef EUNOMIA_ABI_H
#define EUNOMIA_ABI_H

#include "tags.h"

/* Raised when an object built before could no longer be read, or would misread what the loader writes. */
#define EUNOMIA_ABI 1

const volatile __u32 eunomia_abi EUN_TAG("abi:1") = EUNOMIA_ABI;

/* The record feeds the tables and is not let out. */
#define RECORD_STATE_ONLY 1

#define TASK_COMM_BYTES   16

struct event_header {
	__u16 kind;
	__u16 flags;
	__u32 size; /* of the whole record, its tail included */
	__u64 time ROLE("time") UNIT("ns");
	__u64 start_time ROLE("start_time") UNIT("ns"); /* of the thread group leader */
	__u64 cgroup_id ROLE("cgroup_id");
	__u32 cgroup_hierarchy ROLE("cgroup_hierarchy");
	__u32 exec_count ROLE("exec_count");
	__u32 pid ATTR("process.pid") ROLE("pid");
	__u32 vpid ATTR("process.vpid");
	__u32 tid ATTR("eunomia.process.tid");
	__u32 parent_pid ATTR("process.parent_pid") ROLE("parent_pid");
	__u32 process_group ATTR("process.group_leader.pid");
	__u32 user_id ATTR("process.user.id"); /* the effective one */
	char comm[TASK_COMM_BYTES] ATTR("eunomia.process.comm");
};

#define TEXT_PRESENT    1
#define TEXT_TRUNCATED  2
#define TEXT_LEAF_FIRST 4 /* parts of a path from the last to the first, each followed by a slash */

/* Bytes in the record's tail; offset counts from the record's first byte. */
struct text {
	__u32 offset;
	__u16 length;
	__u16 flags;
};

/* Texts in the record's tail, each ended by NUL. */
struct text_list {
	__u32 offset;
	__u16 length;
	__u16 flags;
};

/* Bytes in the record's tail that are no text. */
struct bytes {
	__u32 offset;
	__u16 length;
	__u16 flags;
};

#define ADDRESS_IPV4 2 /* AF_INET, on every architecture */
#define ADDRESS_IPV6 10

/* An IP address; family 0 is absent. An IPv4 address takes the first four bytes, and is never mapped into IPv6. */
struct address {
	__u8 family;
	__u8 pad[3];
	__u8 bytes[16];
};

/*
 * What became of the events of one kind: seen, and then exactly one of the others. But state_lost, which counts what
 * the tables should have learned and did not: records that only feed them, and children for whom a tree had no room.
 */
struct counters {
	__u64 seen;
	__u64 filtered;
	__u64 submitted;
	__u64 ring_full;
	__u64 read_failed;
	__u64 table_full;
	__u64 state_lost;
};

#endif
