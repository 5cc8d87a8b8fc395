/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* process.exit: once a process, when its last thread goes. */
#ifndef EUNOMIA_BASE_EXIT_H
#define EUNOMIA_BASE_EXIT_H

#define SIGNAL_GROUP_EXIT 4 /* signal_struct.flags: the whole process exits, with group_exit_code */

const volatile __u64 min_duration OPTION("min_duration", "exits of shorter lives are filtered") UNIT("ns") = 0;

struct exit_event {
	struct event_header header;
	__u64 duration_ns ATTR("eunomia.process.duration_ns") UNIT("ns");
	__s32 code ATTR("process.exit.code") ABSENT(-1);
	__u32 signal SIGNAL ATTR("eunomia.process.exit_signal");
};
LIFECYCLE_EVENT(exit_event, "process.exit", "exit");

/* The status that wait(2) will give for the process. */
static __always_inline __u32 status_of(struct task_struct *task)
{
	struct signal_struct *signal = EUN_READ(task, signal);
	struct task_struct *leader = EUN_READ(task, group_leader);

	if (EUN_READ(signal, flags) & SIGNAL_GROUP_EXIT)
		return EUN_READ(signal, group_exit_code);
	return EUN_READ(leader, exit_code);
}

static __always_inline void fill_exit(struct exit_event *event, struct task_struct *task)
{
	__u32 status = status_of(task);

	event->duration_ns = event->header.time - event->header.start_time;
	event->signal = status & 0x7f;
	event->code = event->signal ? -1 : (status >> 8) & 0xff;
}

/* A life that is too short for the user is nobody's business but the tables'. */
static __always_inline enum fate fate_of_exit(struct task_struct *task)
{
	enum fate fate = fate_of(task);
	struct task_struct *leader = EUN_READ(task, group_leader);
	__u64 lived = bpf_ktime_get_boot_ns() - EUN_READ(leader, start_boottime);

	return fate == FATE_LET_OUT && lived < min_duration ? FATE_STATE_ONLY : fate;
}

static __always_inline void report_exit(struct task_struct *task)
{
	struct counters *tally = eun_counters_of(kind_exit_event);
	enum fate fate = fate_of_exit(task);
	struct exit_event *event;

	if (!tally || !begin_lifecycle(tally, fate))
		return;
	event = bpf_ringbuf_reserve(&eun_lifecycle, sizeof(*event), 0);
	if (event) {
		eun_fill_header(&event->header, kind_exit_event, task);
		event->header.flags = flags_of(fate);
		event->header.size = sizeof(*event);
		fill_exit(event, task);
		bpf_ringbuf_submit(event, eun_wakeup_after(&eun_lifecycle, sizeof(*event)));
	}
	end_lifecycle(tally, fate, event);
}

TWICE(sched_process_exit, on_exit, struct task_struct *task)
{
	struct signal_struct *signal = EUN_READ(task, signal);
	struct task_struct *leader = EUN_READ(task, group_leader);
	struct once once = { .event = ONCE_EXIT };

	/* Threads that go together may all find nobody left: the first to say so is the last. */
	if (EUN_READ(signal, live.counter) > 0)
		return 0;
	once.pid = EUN_READ(task, tgid);
	once.incarnation = EUN_READ(leader, start_boottime);
	if (first_to_handle(once))
		report_exit(task);
	return 0;
}

#endif
