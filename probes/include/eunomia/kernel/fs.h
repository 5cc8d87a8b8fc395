/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Files, paths and mounts. */
#ifndef EUNOMIA_KERNEL_FS_H
#define EUNOMIA_KERNEL_FS_H

/* Read as a whole: the layout is the kernel's. */
struct qstr {
	__u32 hash;
	__u32 len;
	const unsigned char *name;
} KERNEL;

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
} KERNEL;

/* Up to 6.13: where a short name stands in the dentry itself. */
struct dentry___old {
	unsigned char d_iname[32];
} KERNEL;

/* From 6.14 on. */
union shortname_store {
	unsigned char string[40];
} KERNEL;

struct dentry___short {
	union shortname_store d_shortname;
} KERNEL;

struct vfsmount {
	struct dentry *mnt_root;
} KERNEL;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
} KERNEL;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} KERNEL;

struct inode {
	unsigned short i_mode;
} KERNEL;

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_mode;
	void *private_data;
} KERNEL;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
} KERNEL;

struct files_struct {
	struct fdtable *fdt;
} KERNEL;

struct fs_struct {
	struct path root;
	struct path pwd;
} KERNEL;

#endif
