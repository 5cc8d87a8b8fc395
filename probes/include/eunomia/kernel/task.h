/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Tasks and processes. */
#ifndef EUNOMIA_KERNEL_TASK_H
#define EUNOMIA_KERNEL_TASK_H

struct mm_struct {
	unsigned long arg_start, arg_end, env_start, env_end;
	struct file *exe_file;
} KERNEL;

typedef struct {
	__u32 val;
} KERNEL kuid_t;

struct cred {
	kuid_t euid;
} KERNEL;

struct ns_common {
	unsigned int inum;
} KERNEL;

struct pid_namespace {
	struct ns_common ns;
} KERNEL;

/* An element of an array: the layout is the kernel's. */
struct upid {
	int nr;
	struct pid_namespace *ns;
} KERNEL;

struct pid {
	unsigned int level;
	struct upid numbers[1];
} KERNEL;

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID, PIDTYPE_MAX };

typedef struct {
	int counter;
} KERNEL atomic_t;

struct signal_struct {
	atomic_t live;
	struct pid *pids[PIDTYPE_MAX];
	int group_exit_code;
	unsigned int flags;
} KERNEL;

struct thread_info {
	unsigned long flags;
	__u32 status;
} KERNEL;

struct task_struct {
	struct thread_info thread_info;
	struct mm_struct *mm;
	int exit_code;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	__u64 start_boottime;
	const struct cred *cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct signal_struct *signal;
	__u64 self_exec_id;
	struct css_set *cgroups;
} KERNEL;

struct linux_binprm {
	int argc;
	const char *filename;
} KERNEL;

struct bpf_iter_meta {
	struct seq_file *seq;
} KERNEL;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} KERNEL;

#endif
