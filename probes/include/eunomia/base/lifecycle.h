/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the records of the base object have in common: each feeds the table of processes, and may be let out. */
#ifndef EUNOMIA_BASE_LIFECYCLE_H
#define EUNOMIA_BASE_LIFECYCLE_H

/* The probe `process` is named in the configuration. Written by the loader. */
const volatile bool eun_let_out = false;

/* What these keys exclude nobody needs to know of; what others exclude still is somebody's parent. */
#define EUN_HARD_KEYS (EUN_KEY_PID | EUN_KEY_PID_TREE)

#define ONCE_ENTRIES  4096 /* events that may happen between the two runs for one; the oldest gives way */

enum once_event { ONCE_FORK = 1, ONCE_EXEC, ONCE_EXIT, ONCE_RMDIR };

struct once {
	__u32 pid;
	__u32 event;
	__u64 incarnation;
};

/* Which events of a life, a cgroup's too, were handled: the first program to insert one handles it. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, ONCE_ENTRIES);
	__type(key, struct once);
	__type(value, __u8);
} handled SEC(".maps");

static __always_inline bool first_to_handle(struct once once)
{
	__u8 yes = 1;

	return eun_insert(&handled, &once, &yes);
}

/* What is to become of a record. */
enum fate { FATE_DROP, FATE_STATE_ONLY, FATE_LET_OUT };

static __always_inline enum fate fate_of(struct task_struct *task)
{
	struct eun_keys hard = { EUN_HARD_KEYS, 0 };
	struct eun_keys others = { EUN_KEYS_ALL & ~EUN_HARD_KEYS, EUN_KEYS_ALL };

	if (!eun_matches(task, hard))
		return FATE_DROP;
	return eun_let_out && !eun_is_self(task) && eun_matches(task, others) ? FATE_LET_OUT : FATE_STATE_ONLY;
}

/* Counts an event as seen, and as filtered unless it is let out; false where it isn't even needed for the tables. */
static __always_inline bool begin_lifecycle(struct counters *tally, enum fate fate)
{
	eun_count(&tally->seen);
	if (fate != FATE_LET_OUT)
		eun_count(&tally->filtered);
	return fate != FATE_DROP;
}

static __always_inline __u16 flags_of(enum fate fate)
{
	return fate == FATE_STATE_ONLY ? RECORD_STATE_ONLY : 0;
}

/* Counts what became of a record. One that only feeds the tables was counted as filtered before. */
static __always_inline void end_lifecycle(struct counters *tally, enum fate fate, bool sent)
{
	if (fate == FATE_LET_OUT)
		eun_count(sent ? &tally->submitted : &tally->ring_full);
	else if (!sent)
		eun_count(&tally->state_lost);
}

static __always_inline bool submit_lifecycle(struct event_header *header, __u64 size)
{
	return eun_output(&eun_lifecycle, header, size);
}

#endif
