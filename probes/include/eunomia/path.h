/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Paths of kernel objects, as the process sees them: from the file up to the process's root, across mounts. Parts are
 * appended from the last to the first, each followed by a slash; the reader turns them round.
 */
#ifndef EUNOMIA_PATH_H
#define EUNOMIA_PATH_H

#define EUN_PATH_PARTS 64 /* each costs 0.2 us and 800 verified instructions; sources and node_modules reach 30 */
#define EUN_MOUNT_STEPS 16 /* mounts on the way, which take a turn of the loop each */
#define EUN_NAME_BYTES 255 /* NAME_MAX */

struct eun_walk {
	struct dentry *dentry;
	struct mount *mount;
	struct dentry *mount_root;
	struct dentry *root_dentry;
	struct mount *root_mount;
};

static __always_inline struct mount *eun_mount_of(const struct vfsmount *vfsmount)
{
	return (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
}

/* Appends a dentry's name and a slash at an offset of scratch; returns the bytes written, 0 for a name of none. */
static __always_inline __u64 eun_put_name(char *at, const struct qstr *name)
{
	__u64 length = name->len & EUN_NAME_BYTES;

	if (!length)
		return 0;
	bpf_probe_read_kernel(at, length, name->name);
	at[length] = '/';
	return length + 1;
}

/*
 * Appends the path to scratch from the offset used on, where size is the whole of it. Returns the bytes written, and
 * the flags of the text above them.
 */
static __always_inline __u64 eun_walk(char *scratch, __u64 size, __u64 used, struct eun_walk walk)
{
	__u64 flags = TEXT_PRESENT | TEXT_LEAF_FIRST;
	__u64 end = used;
	__u32 parts = 0;

	for (int step = 0; step < EUN_PATH_PARTS + EUN_MOUNT_STEPS; step++) {
		struct dentry *parent;
		struct qstr name = {};

		if (walk.dentry == walk.root_dentry && walk.mount == walk.root_mount)
			goto complete;
		if (walk.dentry == walk.mount_root) {
			struct mount *mount = BPF_CORE_READ(walk.mount, mnt_parent);

			if (mount == walk.mount)
				goto complete;
			walk.dentry = BPF_CORE_READ(walk.mount, mnt_mountpoint);
			walk.mount = mount;
			walk.mount_root = BPF_CORE_READ(mount, mnt.mnt_root);
			continue;
		}
		parent = BPF_CORE_READ(walk.dentry, d_parent);
		bpf_core_read(&name, sizeof(name), &walk.dentry->d_name);
		EUN_OPAQUE(end);
		if (parts++ == EUN_PATH_PARTS || end + name.len + 1 > used + EUN_PATH_BYTES ||
		    end > size - EUN_NAME_BYTES - 1)
			break;
		end += eun_put_name(scratch + end, &name);
		/* A file of no mounted tree, such as a memfd: its own name is all there is. */
		if (parent == walk.dentry)
			goto complete;
		walk.dentry = parent;
	}
	flags |= TEXT_TRUNCATED;
complete:
	return end - used | flags << 32;
}

/*
 * TYPE_walk appends the path of a dentry and a mount, as task sees it, to the record in scratch. A global function is
 * verified once and not at each call, and takes numbers only; so it finds its scratch itself.
 */
#define EUN_PATHS_OF(type)                                                                                             \
	__attribute__((noinline)) __u64 type##_walk(__u64 dentry, __u64 vfsmount, __u64 reader, __u64 copy,            \
						    __u64 used)                                                        \
	{                                                                                                              \
		struct task_struct *task = (struct task_struct *)reader;                                               \
		char *scratch = (char *)type##_of(copy);                                                               \
		struct eun_walk walk = {                                                                               \
			.dentry = (struct dentry *)dentry,                                                             \
			.mount = eun_mount_of((struct vfsmount *)vfsmount),                                            \
			.mount_root = BPF_CORE_READ((struct vfsmount *)vfsmount, mnt_root),                            \
			.root_dentry = BPF_CORE_READ(task, fs, root.dentry),                                           \
			.root_mount = eun_mount_of(BPF_CORE_READ(task, fs, root.mnt)),                                 \
		};                                                                                                     \
                                                                                                                       \
		return scratch ? eun_walk(scratch, sizeof(struct type##_scratch), used, walk) : 0;                     \
	}

/* Appends the path at struct path *path, as task sees it. */
#define EUN_PUT_PATH(type, builder, text, path, task, copy)                                                            \
	eun_take_path(builder, text,                                                                                   \
		      type##_walk((__u64)BPF_CORE_READ(path, dentry), (__u64)BPF_CORE_READ(path, mnt), (__u64)(task),  \
				  copy, (builder)->used))

static __always_inline void eun_take_path(struct eun_builder *builder, struct text *text, __u64 walked)
{
	__u64 length = (__u32)walked;

	if (!length) /* nothing has no name: an anonymous file */
		return;
	text->offset = builder->used;
	text->length = length;
	text->flags = walked >> 32;
	builder->used += length;
}

#endif
