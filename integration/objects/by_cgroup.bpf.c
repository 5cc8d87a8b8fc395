// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A user's metric by cgroup: how often a process in it changed its folder. */
#include "eunomia.h"

struct caller {
	struct eun_cgroup cgroup;
	__u32 failed ATTR("test.failed");
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct caller);
	__type(value, __u64);
} calls SEC(".maps") METRIC("test.chdir.calls", "{call}", "counter");

SYSCALL_EXIT(on_chdir, chdir)
{
	struct task_struct *task = eun_current();
	struct caller caller = { .failed = call.result < 0 };
	__u64 one = 1, *count;

	if (!eun_passes(task))
		return;
	caller.cgroup = eun_cgroup_key_of(task);
	count = bpf_map_lookup_elem(&calls, &caller);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&calls, &caller, &one, BPF_ANY);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
