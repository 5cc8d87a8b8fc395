/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The cgroup that names a process's container. Ids repeat between hierarchies, so a key has both. The hierarchy that
 * counts is the memory controller's where that is a v1 hierarchy, else the pids controller's, else the unified one: a
 * unified path beside v1 controllers is often no more than that of a service.
 */
#ifndef EUNOMIA_CGROUP_H
#define EUNOMIA_CGROUP_H

#define EUN_UNIFIED 0 /* the hierarchy id of cgroup v2 */

/* The cgroup of one controller, or NULL where it sits on the unified hierarchy. */
static __always_inline struct cgroup *eun_v1_cgroup(struct css_set *set, __u32 controller)
{
	const void *slot = (const void *)set + bpf_core_field_offset(struct css_set, subsys) + 8 * controller;
	struct cgroup_subsys_state *state = NULL;
	struct cgroup *cgroup;

	bpf_probe_read_kernel(&state, sizeof(state), slot);
	cgroup = BPF_CORE_READ(state, cgroup);
	return BPF_CORE_READ(cgroup, root, hierarchy_id) == EUN_UNIFIED ? NULL : cgroup;
}

static __always_inline struct cgroup *eun_cgroup_of(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *cgroup = NULL;

	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		cgroup = eun_v1_cgroup(set, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
	if (!cgroup && bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		cgroup = eun_v1_cgroup(set, bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id));
	return cgroup ? cgroup : BPF_CORE_READ(set, dfl_cgrp);
}

static __always_inline struct eun_cgroup eun_cgroup_key(struct cgroup *cgroup)
{
	struct eun_cgroup key = {
		.id = BPF_CORE_READ(cgroup, kn, id),
		.hierarchy = BPF_CORE_READ(cgroup, root, hierarchy_id),
	};

	return key;
}

#endif
