/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * process.exec: a successful exec, seen by the process that came out of it. The arguments are those that the program
 * starts with: of a #! script the line that the kernel rewrote.
 */
#ifndef EUNOMIA_BASE_EXEC_H
#define EUNOMIA_BASE_EXEC_H

#define EXEC_ARGUMENT_BYTES 32768 /* one read, exact on all kernels; a record's lengths are of 16 bits */
#define EXEC_STRINGS        3     /* executable, working directory, the path as it was asked for */

struct exec_event {
	struct event_header header;
	__u64 environment_bytes ATTR("eunomia.process.environment_bytes") UNIT("By");
	__u32 args_count ATTR("process.args_count");
	__u32 pad;
	struct text_list args ATTR("process.command_args") DERIVED("first", "process.command")
		DERIVED("joined", "process.command_line");
	struct text working_directory ATTR("process.working_directory");
	struct text exec_path ATTR("eunomia.process.exec_path");
	struct text executable ROLE("executable");
};
LIFECYCLE_EVENT(exec_event, "process.exec", "exec");
LONG_TEXT_RECORD(exec_event, 2, EXEC_ARGUMENT_BYTES + EXEC_STRINGS * EUN_READ_BYTES);

/* Appends the arguments as they stand in memory; where they can't be read, says that some are missing. */
static __always_inline void put_arguments(struct eun_builder *builder, struct text_list *args, struct mm_struct *mm)
{
	unsigned long start = BPF_CORE_READ(mm, arg_start);
	__u64 length = BPF_CORE_READ(mm, arg_end) - start;
	__u16 flags = TEXT_PRESENT;

	EUN_OPAQUE(length);
	if (length > EXEC_ARGUMENT_BYTES) {
		length = EXEC_ARGUMENT_BYTES;
		flags |= TEXT_TRUNCATED;
	}
	if (bpf_probe_read_user(builder->record + sizeof(struct exec_event), length, (const void *)start)) {
		length = 0;
		flags |= TEXT_TRUNCATED;
	}
	args->offset = sizeof(struct exec_event);
	args->length = length;
	args->flags = flags;
	builder->used += length;
}

static __always_inline __u64 fill_exec(struct exec_event *event, struct task_struct *task, struct linux_binprm *program,
				       const __u32 copy)
{
	struct eun_builder builder = EUN_BUILDER(exec_event, event);
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct file *file = BPF_CORE_READ(mm, exe_file);

	__builtin_memset(&event->environment_bytes, 0, sizeof(*event) - sizeof(event->header));
	event->args_count = BPF_CORE_READ(program, argc);
	event->environment_bytes = BPF_CORE_READ(mm, env_end) - BPF_CORE_READ(mm, env_start);
	put_arguments(&builder, &event->args, mm);
	EUN_PUT_PATH(exec_event, &builder, &event->working_directory, &fs->pwd, bpf_get_current_task(), copy);
	EUN_PUT_PATH(exec_event, &builder, &event->executable, &file->f_path, bpf_get_current_task(), copy);
	eun_put_string(&builder, &event->exec_path, BPF_CORE_READ(program, filename), false);
	return eun_size(&builder);
}

static __always_inline void report_exec(struct task_struct *task, struct linux_binprm *program, const __u32 copy)
{
	struct counters *tally = eun_counters_of(kind_exec_event);
	enum fate fate = fate_of(task);
	struct exec_event *event;
	__u64 size;

	if (!tally || !begin_lifecycle(tally, fate))
		return;
	event = exec_event_of(copy);
	if (!event) { /* the loader made no room for this CPU */
		end_lifecycle(tally, fate, false);
		return;
	}
	eun_fill_header(&event->header, kind_exec_event, task);
	event->header.flags = flags_of(fate);
	size = fill_exec(event, task, program, copy);
	end_lifecycle(tally, fate, submit_lifecycle(&event->header, size));
}

TWICE(sched_process_exec, on_exec, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	struct once once = { .event = ONCE_EXEC };

	once.pid = EUN_READ(task, tgid);
	once.incarnation = EUN_READ(task, start_boottime) + EUN_READ(task, self_exec_id);
	if (!first_to_handle(once))
		return 0;
	see_cgroup_of(task, SIGHT_EXEC + copy);
	report_exec(task, program, copy);
	return 0;
}

#endif
