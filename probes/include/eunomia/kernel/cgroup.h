/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Control groups. */
#ifndef EUNOMIA_KERNEL_CGROUP_H
#define EUNOMIA_KERNEL_CGROUP_H

struct kernfs_node {
	const char *name;
	__u64 id;
} KERNEL;

struct cgroup_root {
	int hierarchy_id;
} KERNEL;

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
} KERNEL;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
} KERNEL;

struct css_set {
	struct cgroup_subsys_state *subsys[1];
	struct cgroup *dfl_cgrp;
} KERNEL;

/* The numbers depend on the kernel's configuration: they are relocated. */
enum cgroup_subsys_id { memory_cgrp_id = 1, pids_cgrp_id = 2 };

#endif
