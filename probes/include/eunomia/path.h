/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Files of a process, and paths in records. */
#ifndef EUNOMIA_PATH_H
#define EUNOMIA_PATH_H

/* The file behind a descriptor, or NULL. */
static __always_inline struct file *eun_file_of(struct task_struct *task, __u32 fd)
{
	struct files_struct *open_files = EUN_READ(task, files);
	struct fdtable *table = EUN_READ(open_files, fdt);
	struct file **files = EUN_READ(table, fd);
	struct file *file = NULL;

	if (fd < EUN_READ(table, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file;
}

/*
 * TYPE_walk appends the path of a dentry and a mount, as reader sees it, to the record in scratch. A global function is
 * verified once and not at each call, and takes numbers only; so it finds its scratch itself.
 */
#define EUN_PATHS_OF(type)                                                                                             \
	__attribute__((noinline))                                                                                      \
	__u64 type##_walk(__u64 dentry, __u64 vfsmount, __u64 reader, __u64 copy, __u64 used)                          \
	{                                                                                                              \
		struct type##_scratch *scratch = (struct type##_scratch *)type##_of(copy);                             \
                                                                                                                       \
		if (!scratch)                                                                                          \
			return 0;                                                                                      \
		return eun_walk((char *)scratch, offsetof(struct type##_scratch, parts), used,                         \
				eun_walk_from(dentry, vfsmount, reader), &scratch->parts);                             \
	}

/*
 * Appends the path at struct path *at, whose address is a bare number, to the record in this copy of the scratch. The
 * reader is the task that sees it, as a bare number too: bpf_get_current_task() or eun_plain.
 */
#define EUN_PUT_PATH(type, builder, text, at, reader, copy)                                                            \
	({                                                                                                             \
		struct path path_at = eun_path_at(at);                                                                 \
		eun_take_path(builder, text,                                                                           \
			      type##_walk((__u64)path_at.dentry, (__u64)path_at.mnt, (__u64)(reader), copy,            \
					  (builder)->used));                                                           \
	})

/* Takes the text that a walk has put behind the used bytes. No flags are no path, and no parts are the root. */
static __always_inline void eun_take_path(struct eun_builder *builder, struct text *text, __u64 walked)
{
	__u64 used = builder->used;
	__u64 length = (__u32)walked;

	EUN_OPAQUE(used);
	if (used > builder->limit)
		return;
	if (walked && !length) {
		((char *)builder->record)[used] = '/';
		length = 1;
	}
	text->offset = used;
	text->length = length;
	text->flags = walked >> 32;
	builder->used = used + length;
}

#endif
