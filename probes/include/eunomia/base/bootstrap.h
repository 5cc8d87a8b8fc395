/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The processes that are there already. Their records are written to the iterator's file, which waits for its reader,
 * and not to a ring, which would overflow; cgroups go to the lifecycle ring as always.
 */
#ifndef EUNOMIA_BASE_BOOTSTRAP_H
#define EUNOMIA_BASE_BOOTSTRAP_H

struct task_event {
	struct event_header header;
	struct text executable ROLE("executable");
};
LIFECYCLE_EVENT(task_event, "", "task");
TEXT_RECORD(task_event, 1, 2 * EUN_READ_BYTES);

static __always_inline __u64 fill_task(struct task_event *event, struct task_struct *task)
{
	struct eun_builder builder = EUN_BUILDER(task_event, event);
	struct file *file = BPF_CORE_READ(task, mm, exe_file);

	eun_fill_header(&event->header, kind_task_event, task);
	event->header.flags = RECORD_STATE_ONLY;
	__builtin_memset(&event->executable, 0, sizeof(event->executable));
	if (file) /* kernel threads have none */
		EUN_PUT_PATH(task_event, &builder, &event->executable, &file->f_path, eun_plain(task), 0);
	return eun_size(&builder);
}

SEC("iter/task")
int on_task(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	struct counters *tally = eun_counters_of(kind_task_event);
	struct task_event *event = task_event_of(0);
	__u64 size;

	if (!task || !tally || !event || EUN_READ(task, pid) != EUN_READ(task, tgid))
		return 0;
	adopt_into_tree(task);
	see_cgroup_of(task, SIGHT_TASK);
	size = fill_task(event, task);
	event->header.size = size;
	/* Where the file's buffer is full the kernel comes back with the same task, which counts then. */
	if (bpf_seq_write(context->meta->seq, event, size))
		return 0;
	eun_count(&tally->seen);
	eun_count(&tally->submitted);
	return 0;
}

#endif
