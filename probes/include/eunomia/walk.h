/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The way from a file up to a process's root, across mounts. Parts are appended from the last to the first, each
 * followed by a slash; the reader turns them round.
 */
#ifndef EUNOMIA_WALK_H
#define EUNOMIA_WALK_H

#define EUN_PATH_PARTS 64 /* sources and node_modules reach 30; each costs the verifier up to 1,600 instructions */
#define EUN_MOUNTS     8  /* that a path crosses; each costs as much */

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
		struct eun_link link;
		__u64 length;

		if (place == EUN_AT_ROOT)
			return (end - used) | complete << 32;
		if (place == EUN_AT_MOUNT) {
			eun_leave_mount(&walk);
			continue;
		}
		eun_read_link(&link, dentry);
		walk.dentry = link.parent;
		EUN_OPAQUE(end);
		if (++*parts > EUN_PATH_PARTS || end + link.length + 1 > used + EUN_PATH_BYTES ||
		    end > size - EUN_NAME_BYTES - 1)
			break;
		length = link.length & EUN_NAME_BYTES;
		EUN_OPAQUE(length);
		eun_put_name(scratch + end, &link, dentry, length);
		end += length;
		scratch[end++] = '/';
		/* Of no mounted tree: a memfd has a name and no more, a pipe not even that. */
		if (walk.dentry == dentry)
			return length ? (end - used) | complete << 32 : 0;
	}
	return (end - used) | (complete | TEXT_TRUNCATED) << 32;
}

static __always_inline struct path eun_path_at(const struct path *at)
{
	struct path path = {};

	bpf_probe_read_kernel(&path, sizeof(path), at); /* the layout is the kernel's */
	return path;
}

static __always_inline struct eun_walk eun_walk_from(__u64 dentry, __u64 vfsmount, __u64 reader)
{
	struct task_struct *task = (struct task_struct *)reader;
	struct vfsmount *mount = (struct vfsmount *)vfsmount;
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	struct path root = eun_path_at(&fs->root);
	struct eun_walk walk = {
		.dentry = (struct dentry *)dentry,
		.mount = eun_mount_of(mount),
		.mount_root = BPF_CORE_READ(mount, mnt_root),
		.root_dentry = root.dentry,
		.root_mount = eun_mount_of(root.mnt),
	};

	return walk;
}

#endif
