/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The kernel's types, as far as they are used; offsets come from the running kernel (CO-RE). A probe that brings a
 * vmlinux.h of its own includes it first. A name with three underscores is the same type as some kernels have it.
 */
#ifndef EUNOMIA_KERNEL_H
#define EUNOMIA_KERNEL_H

#define KERNEL __attribute__((preserve_access_index))

#ifndef __VMLINUX_H__
#include <linux/bpf.h>

typedef _Bool bool;
#define true 1
#define false 0

#include "kernel/cgroup.h"
#include "kernel/fs.h"
#include "kernel/net.h"
#include "kernel/task.h"
#endif

/* Up to 6.14. */
struct kernfs_node___old {
	struct kernfs_node *parent;
} KERNEL;

/* From 6.15 on, when the parent came under RCU. */
struct kernfs_node___rcu {
	struct kernfs_node *__parent;
} KERNEL;

#endif
