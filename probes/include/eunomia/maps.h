/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The maps that all probes of a receiver share. The base object creates them, the others join by name. The loader may
 * choose other sizes for those that it creates.
 */
#ifndef EUNOMIA_MAPS_H
#define EUNOMIA_MAPS_H

#define EUN_SHARED     __uint(pinning, LIBBPF_PIN_BY_NAME)

#define EUN_KINDS      256   /* kinds of events in one receiver */
#define EUN_VALUES     1024  /* values of one filter key; an user writes them down one by one */
#define EUN_PROCESSES  65536 /* of the filtered trees; twice the default pid_max */
#define EUN_CGROUPS    8192  /* ten times the pods that a node is made for; the longest unused gives way */
#define EUN_CALLS      512   /* system call numbers of one ABI; the highest in use is 470 */
#define EUN_SLOTS      32    /* functions on system calls, as many as a u32 has bits; tail calls end at 33 */
#define EUN_BULK_BYTES (2 << 20)
#define EUN_LIFE_BYTES (1 << 20)

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EUN_BULK_BYTES);
	EUN_SHARED;
} eun_events SEC(".maps");

/* fork, exec, exit, tasks and cgroups: apart, so that a flood of others does not push them out. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EUN_LIFE_BYTES);
	EUN_SHARED;
} eun_lifecycle SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EUN_KINDS);
	__type(key, __u32);
	__type(value, struct counters);
	EUN_SHARED;
} eun_counters SEC(".maps");

/* A filter holds the sets that a value belongs to: bit 0 the receiver's filter, bit n the one of its probe n. */
#define EUN_FILTER(name, key_type)                                                                                     \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_HASH);                                                                       \
		__uint(max_entries, EUN_VALUES);                                                                       \
		__type(key, key_type);                                                                                 \
		__type(value, __u32);                                                                                  \
		EUN_SHARED;                                                                                            \
	} name SEC(".maps")

struct eun_comm {
	char bytes[TASK_COMM_BYTES]; /* NUL to the end */
};

EUN_FILTER(eun_pids, __u32);
EUN_FILTER(eun_uids, __u32);
EUN_FILTER(eun_comms, struct eun_comm);
EUN_FILTER(eun_pidns, __u32);

/* A process of a filtered tree. The tag tells it from a later process of the same number; 0 fits any, until bootstrap.
 */
struct eun_member {
	__u32 tag;
	__u32 sets;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EUN_PROCESSES);
	__type(key, __u32);
	__type(value, struct eun_member);
	EUN_SHARED;
} eun_tree SEC(".maps");

/* In the key of a metric map it is what tells the container of a point. */
struct eun_cgroup {
	__u64 id ROLE("cgroup_id");
	__u32 hierarchy ROLE("cgroup_hierarchy");
	__u32 pad;
};

/* What user space said of a cgroup after it saw its path: a set counts where its bit in known is set. */
struct eun_verdict {
	__u32 known;
	__u32 yes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, EUN_CGROUPS);
	__type(key, struct eun_cgroup);
	__type(value, struct eun_verdict);
	EUN_SHARED;
} eun_cgroups SEC(".maps");

/* System call number (those of 32-bit calls behind EUN_CALLS) -> slots of the dispatcher that want it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * EUN_CALLS);
	__type(key, __u32);
	__type(value, __u32);
	EUN_SHARED;
} eun_calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, EUN_SLOTS);
	__type(key, __u32);
	__type(value, __u32);
	EUN_SHARED;
} eun_dispatch SEC(".maps");

#endif
