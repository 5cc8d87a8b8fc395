/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * From a hook to the ring: count, filter, fill in, submit. Counters are added to atomically: one kind may be counted by
 * several programs, and by one that was interrupted.
 */
#ifndef EUNOMIA_RECORD_H
#define EUNOMIA_RECORD_H

/* The reader is woken when this much waits; for less it comes by its timer. 0 wakes it for each. */
const volatile __u32 eun_wakeup_bytes = 0;

/*
 * Inserts what isn't there yet; false if it is. Where there is no room it counts as inserted. The result is an int:
 * kernels up to 6.3 leave the upper half of the register as it was.
 */
static __always_inline bool eun_insert(void *map, const void *key, const void *value)
{
	return (int)bpf_map_update_elem(map, key, value, BPF_NOEXIST) != -EEXIST;
}

static __always_inline void eun_count(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

/* The counters of a kind; a kind that the loader never numbered has none. */
static __always_inline struct counters *eun_counters_of(__u32 kind)
{
	return bpf_map_lookup_elem(&eun_counters, &kind);
}

/* Counts an event as seen and asks the filter: NULL when there is nothing more to do. */
static __always_inline struct counters *eun_begin(__u32 kind, struct task_struct *task)
{
	struct counters *tally = eun_counters_of(kind);

	if (!tally)
		return NULL;
	eun_count(&tally->seen);
	if (eun_passes(task))
		return tally;
	eun_count(&tally->filtered);
	return NULL;
}

static __always_inline void eun_fill_ids(struct event_header *header, struct task_struct *task)
{
	struct signal_struct *signal = EUN_READ(task, signal);
	struct pid *group = EUN_READ(signal, pids[PIDTYPE_PGID]);
	struct task_struct *parent = EUN_READ(task, real_parent);
	struct task_struct *leader = EUN_READ(task, group_leader);
	const struct cred *cred = EUN_READ(task, cred);

	header->pid = EUN_READ(task, tgid);
	header->tid = EUN_READ(task, pid);
	header->vpid = eun_own_upid(task).nr;
	header->parent_pid = EUN_READ(parent, tgid);
	header->process_group = EUN_READ(group, numbers[0].nr);
	header->user_id = EUN_READ(cred, euid.val);
	header->start_time = EUN_READ(leader, start_boottime);
	header->exec_count = EUN_READ(task, self_exec_id);
}

/* Everything but the size, which eun_submit knows. */
static __always_inline void eun_fill_header(struct event_header *header, __u32 kind, struct task_struct *task)
{
	struct eun_cgroup cgroup = eun_cgroup_key_of(task);
	struct eun_comm comm = eun_comm_of(task);

	header->kind = kind;
	header->flags = 0;
	header->time = bpf_ktime_get_boot_ns();
	header->cgroup_id = cgroup.id;
	header->cgroup_hierarchy = cgroup.hierarchy;
	__builtin_memcpy(header->comm, comm.bytes, sizeof(header->comm));
	eun_fill_ids(header, task);
}

/*
 * Wakes the reader when a record of this size takes what waits before it over a multiple of the threshold. Waking costs
 * more than the record, so it is not done for each that follows.
 */
static __always_inline __u64 eun_wakeup(__u64 waiting, __u64 size)
{
	if (eun_wakeup_bytes && waiting / eun_wakeup_bytes == (waiting + size) / eun_wakeup_bytes)
		return BPF_RB_NO_WAKEUP;
	return BPF_RB_FORCE_WAKEUP;
}

/* The same for a record that is in the ring already. */
static __always_inline __u64 eun_wakeup_after(void *ring, __u64 size)
{
	return eun_wakeup(bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) - size, size);
}

/* Copies a record from scratch into a ring; false when there was no room. */
static __always_inline bool eun_output(void *ring, struct event_header *header, __u64 size)
{
	__u64 waiting = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);

	header->size = size;
	return bpf_ringbuf_output(ring, header, size, eun_wakeup(waiting, size)) == 0;
}

/* Sends a record that was built in scratch, and counts what became of it. */
static __always_inline void eun_submit(struct event_header *header, __u64 size, struct counters *tally)
{
	eun_count(eun_output(&eun_events, header, size) ? &tally->submitted : &tally->ring_full);
}

/* Room for a record of fixed size in a ring, to be filled in and committed; NULL, and counted, when there is none. */
#define EUN_RESERVE(ring, type, tally)                                                                                 \
	({                                                                                                             \
		struct type *reserved = bpf_ringbuf_reserve(ring, sizeof(struct type), 0);                             \
		if (!reserved)                                                                                         \
			eun_count(&(tally)->ring_full);                                                                \
		reserved;                                                                                              \
	})

#define EUN_COMMIT(ring, event, tally)                                                                                 \
	({                                                                                                             \
		(event)->header.size = sizeof(*(event));                                                               \
		bpf_ringbuf_submit(event, eun_wakeup_after(ring, sizeof(*(event))));                                   \
		eun_count(&(tally)->submitted);                                                                        \
	})

#endif
