/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Paths of kernel objects, as the process sees them: from the file up to the process's root, across mounts. Parts are
 * appended from the last to the first, each followed by a slash; the reader turns them round.
 */
#ifndef EUNOMIA_PATH_H
#define EUNOMIA_PATH_H

#define EUN_PATH_PARTS 64  /* sources and node_modules reach 30; each costs the verifier up to 1,600 instructions */
#define EUN_MOUNTS     8   /* that a path crosses; each costs as much */
#define EUN_NAME_BYTES 255 /* NAME_MAX */

/* The file behind a descriptor, or NULL. */
static __always_inline struct file *eun_file_of(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (fd < BPF_CORE_READ(table, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file;
}

/* Where the walk stands, and where it ends. */
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

enum eun_place { EUN_AT_NAME, EUN_AT_MOUNT, EUN_AT_ROOT };

static __always_inline enum eun_place eun_place_of(struct eun_walk *walk)
{
	struct mount *mount = walk->mount;

	if (walk->dentry == walk->root_dentry && mount == walk->root_mount)
		return EUN_AT_ROOT;
	if (walk->dentry != walk->mount_root)
		return EUN_AT_NAME;
	/* The root of the mount namespace, or a mount that is detached, is its own parent. */
	return BPF_CORE_READ(mount, mnt_parent) == mount ? EUN_AT_ROOT : EUN_AT_MOUNT;
}

/* From the root of a mount to where it is mounted. */
static __always_inline void eun_leave_mount(struct eun_walk *walk)
{
	struct mount *mount = walk->mount;
	struct mount *parent = BPF_CORE_READ(mount, mnt_parent);

	walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
	walk->mount = parent;
	walk->mount_root = BPF_CORE_READ(parent, mnt.mnt_root);
}

/*
 * Appends the path to the tail of scratch from the offset used on, where size is the whole of it. Returns the bytes
 * written, and the flags of the text above them. The parts are counted in memory of the scratch: in a register the
 * verifier would follow every mixture of parts and mounts.
 */
static __always_inline __u64 eun_walk(char *scratch, __u64 size, __u64 used, struct eun_walk walk, __u32 *parts)
{
	__u64 complete = TEXT_PRESENT | TEXT_LEAF_FIRST;
	__u64 end = used;

	*parts = 0;
	for (int turn = 0; turn <= EUN_PATH_PARTS + EUN_MOUNTS; turn++) {
		enum eun_place place = eun_place_of(&walk);
		struct dentry *dentry = walk.dentry;
		struct qstr name = {};
		__u64 length;

		if (place == EUN_AT_ROOT)
			return (end - used) | complete << 32;
		if (place == EUN_AT_MOUNT) {
			eun_leave_mount(&walk);
			continue;
		}
		walk.dentry = BPF_CORE_READ(dentry, d_parent);
		bpf_core_read(&name, sizeof(name), &dentry->d_name);
		EUN_OPAQUE(end);
		if (++*parts > EUN_PATH_PARTS || end + name.len + 1 > used + EUN_PATH_BYTES ||
		    end > size - EUN_NAME_BYTES - 1)
			break;
		length = name.len & EUN_NAME_BYTES;
		bpf_probe_read_kernel(scratch + end, length, name.name);
		end += length;
		scratch[end++] = '/';
		if (walk.dentry ==
		    dentry) /* of no mounted tree: a memfd has a name and no more, a pipe not even that */
			return name.len ? (end - used) | complete << 32 : 0;
	}
	return (end - used) | (complete | TEXT_TRUNCATED) << 32;
}

/*
 * TYPE_walk appends the path of a dentry and a mount, as task sees it, to the record in scratch. A global function is
 * verified once and not at each call, and takes numbers only; so it finds its scratch itself.
 */
#define EUN_PATHS_OF(type)                                                                                             \
	__attribute__((noinline))                                                                                      \
	__u64 type##_walk(__u64 dentry, __u64 vfsmount, __u64 reader, __u64 copy, __u64 used)                          \
	{                                                                                                              \
		struct task_struct *task = (struct task_struct *)reader;                                               \
		struct type##_scratch *scratch = (struct type##_scratch *)type##_of(copy);                             \
		struct eun_walk walk = {                                                                               \
			.dentry = (struct dentry *)dentry,                                                             \
			.mount = eun_mount_of((struct vfsmount *)vfsmount),                                            \
			.mount_root = BPF_CORE_READ((struct vfsmount *)vfsmount, mnt_root),                            \
			.root_dentry = BPF_CORE_READ(task, fs, root.dentry),                                           \
			.root_mount = eun_mount_of(BPF_CORE_READ(task, fs, root.mnt)),                                 \
		};                                                                                                     \
                                                                                                                       \
		if (!scratch)                                                                                          \
			return 0;                                                                                      \
		return eun_walk((char *)scratch, sizeof(struct type) + sizeof(scratch->tail), used, walk,              \
				&scratch->parts);                                                                      \
	}

/* Appends the path at struct path *path, as task sees it. */
#define EUN_PUT_PATH(type, builder, text, path, task, copy)                                                            \
	eun_take_path(builder, text,                                                                                   \
		      type##_walk((__u64)BPF_CORE_READ(path, dentry), (__u64)BPF_CORE_READ(path, mnt), (__u64)(task),  \
				  copy, (builder)->used))

/* The root has no parts, so that a path of no bytes is "/"; no flags are no path. */
static __always_inline void eun_take_path(struct eun_builder *builder, struct text *text, __u64 walked)
{
	text->offset = builder->used;
	text->length = walked;
	text->flags = walked >> 32;
	builder->used += (__u32)walked;
}

#endif
