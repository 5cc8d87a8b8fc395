// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A user's probe with our headers and tags: one event, and a metric map of each kind. */
#include "eunomia.h"

#define SLOTS 8

const volatile __s32 level_step OPTION("level_step", "By how much the level grows with each call") = 1;

struct chdir_event {
	struct event_header header;
	__u64 number ATTR("test.number");
	__u32 error ERRNO ATTR("error.type");
	__u32 pad;
};
EVENT(chdir_event, "test.chdir");

struct caller {
	__u32 pid ATTR("process.pid");
	__u32 failed ATTR("test.failed");
};

struct distribution {
	__u64 slots[SLOTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct caller);
	__type(value, __u64);
} calls SEC(".maps") METRIC("test.chdir.calls", "{call}", "counter");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __s64);
} level SEC(".maps") METRIC("test.chdir.level", "1", "gauge");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct distribution);
} errors SEC(".maps") METRIC("test.chdir.errors", "1", "histogram");

/* The n-th slot holds what is at least 2^n and less than 2^(n + 1); 0 is in the first. */
static __always_inline __u32 slot_of(__u64 value)
{
	__u32 slot = 0;

	while (value > 1 && slot < SLOTS - 1) {
		value >>= 1;
		slot++;
	}
	return slot;
}

static __always_inline void measure(struct task_struct *task, __u32 error)
{
	struct caller caller = { .pid = BPF_CORE_READ(task, tgid), .failed = error != 0 };
	struct distribution *distribution;
	__u64 one = 1, *count;
	__u32 zero = 0;
	__s64 *height;

	count = bpf_map_lookup_elem(&calls, &caller);
	if (count)
		*count += 1;
	else
		bpf_map_update_elem(&calls, &caller, &one, BPF_ANY);
	height = bpf_map_lookup_elem(&level, &zero);
	if (height)
		*height -= level_step;
	distribution = bpf_map_lookup_elem(&errors, &zero);
	if (distribution)
		__sync_fetch_and_add(&distribution->slots[slot_of(error) & (SLOTS - 1)], 1);
}

SYSCALL_EXIT(on_chdir, chdir)
{
	struct task_struct *task = eun_current();
	struct counters *tally = eun_begin(kind_chdir_event, task);
	struct chdir_event *event = tally ? EUN_RESERVE(&eun_events, chdir_event, tally) : NULL;

	if (!event)
		return;
	eun_fill_header(&event->header, kind_chdir_event, task);
	event->error = call.result < 0 ? -call.result : 0;
	event->pad = 0;
	event->number = call.number;
	measure(task, event->error);
	EUN_COMMIT(&eun_events, event, tally);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
