/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The base object, which every receiver loads: the life of processes, the trees and cgroups that filters ask for, and
 * the dispatcher of system calls. Naming the probe `process` lets its events out; without it they feed the tables
 * alone.
 */
#include "eunomia.h"

#include "eunomia/base/lifecycle.h"
#include "eunomia/base/tree.h"
#include "eunomia/base/cgroups.h"
#include "eunomia/base/cgroup_end.h"
#include "eunomia/base/fork.h"
#include "eunomia/base/exec.h"
#include "eunomia/base/exit.h"
#include "eunomia/base/bootstrap.h"

TWICE(cgroup_mkdir, on_cgroup_mkdir, struct cgroup *cgroup)
{
	see_cgroup_that_counts(cgroup, SIGHT_MKDIR + copy);
	return 0;
}

TWICE(cgroup_attach_task, on_cgroup_attach, struct cgroup *cgroup)
{
	see_cgroup_that_counts(cgroup, SIGHT_ATTACH + copy);
	return 0;
}

/*
 * Jumps to whoever wants the system call that ends. A number that neither ABI wants goes first, before the task is
 * asked which of them it is in.
 */
SEC("tp_btf/sys_exit")
EUN_TAG("dispatcher:")
int on_sys_exit(unsigned long long *context)
{
	int number = arch_call_number((const struct pt_regs *)context[0]);
	__u32 native = eun_slots_of(eun_call_index(number, false));
	__u32 compat = eun_slots_of(eun_call_index(number, true));

	if (native | compat)
		eun_jump(context, arch_call_is_compat() ? compat : native);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
