/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* process.fork: once for each new process, before it runs. New threads are no event. */
#ifndef EUNOMIA_BASE_FORK_H
#define EUNOMIA_BASE_FORK_H

struct fork_event {
	struct event_header header; /* of the parent */
	__u64 child_start_time ROLE("child_start_time");
	__u64 child_cgroup_id ROLE("child_cgroup_id");
	__u32 child_cgroup_hierarchy ROLE("child_cgroup_hierarchy");
	__u32 child_exec_count ROLE("child_exec_count");
	__u32 child_pid ATTR("eunomia.process.child_pid") ROLE("child_pid");
	__u32 child_vpid ROLE("child_vpid");
	__u32 child_parent_pid ROLE("child_parent_pid"); /* with CLONE_PARENT not the one that forked */
	__u32 pad;
};
LIFECYCLE_EVENT(fork_event, "process.fork", "fork");

static __always_inline void fill_child(struct fork_event *event, struct task_struct *child)
{
	struct eun_cgroup cgroup = eun_cgroup_key_of(child);
	struct task_struct *parent = EUN_READ(child, real_parent);

	event->child_start_time = EUN_READ(child, start_boottime);
	event->child_cgroup_id = cgroup.id;
	event->child_cgroup_hierarchy = cgroup.hierarchy;
	event->child_exec_count = EUN_READ(child, self_exec_id);
	event->child_pid = EUN_READ(child, tgid);
	event->child_vpid = eun_own_upid(child).nr;
	event->child_parent_pid = EUN_READ(parent, tgid);
	event->pad = 0;
}

static __always_inline void report_fork(struct task_struct *parent, struct task_struct *child, struct counters *tally)
{
	enum fate fate = fate_of(parent);
	struct fork_event *event;

	if (!begin_lifecycle(tally, fate))
		return;
	event = bpf_ringbuf_reserve(&eun_lifecycle, sizeof(*event), 0);
	if (event) {
		eun_fill_header(&event->header, kind_fork_event, parent);
		event->header.flags = flags_of(fate);
		event->header.size = sizeof(*event);
		fill_child(event, child);
		bpf_ringbuf_submit(event, eun_wakeup_after(&eun_lifecycle, sizeof(*event)));
	}
	end_lifecycle(tally, fate, event);
}

TWICE(sched_process_fork, on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct counters *tally = eun_counters_of(kind_fork_event);
	struct once once = { .event = ONCE_FORK };
	bool joined;

	once.pid = EUN_READ(child, tgid);
	if (!tally || once.pid != (__u32)EUN_READ(child, pid))
		return 0;
	joined = join_tree(parent, child);
	once.incarnation = EUN_READ(child, start_boottime);
	if (!first_to_handle(once))
		return 0;
	if (!joined)
		eun_count(&tally->state_lost);
	see_cgroup_of(child, SIGHT_FORK + copy);
	report_fork(parent, child, tally);
	return 0;
}

TWICE(sched_process_free, on_free, struct task_struct *task)
{
	if (EUN_READ(task, pid) == EUN_READ(task, tgid))
		leave_tree(task);
	return 0;
}

#endif
