/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Reading the kernel's memory. Through a pointer that the verifier knows (a hook's, or the running task) a field is one
 * instruction, through a bare number a call of 10 to 40 ns. But the kernel takes up to 1 ms to verify that one
 * instruction, as it looks for its type by name. So only a probe of frequent events defines EUN_DIRECT_READS before it
 * includes eunomia.h, and gives tasks of no other origin to our functions.
 */
#ifndef EUNOMIA_READ_H
#define EUNOMIA_READ_H

/* The helper that hands out the running task as a known pointer came with 5.11. */
enum bpf_func_id___current { BPF_FUNC_get_current_task_btf___current = 158 };

#define EUN_KNOWS_CURRENT                                                                                              \
	bpf_core_enum_value_exists(enum bpf_func_id___current, BPF_FUNC_get_current_task_btf___current)

#ifdef EUN_DIRECT_READS
#define EUN_DIRECT EUN_KNOWS_CURRENT
#else
#define EUN_DIRECT false
#endif

static __always_inline struct task_struct *eun_current(void)
{
	if (EUN_DIRECT)
		return bpf_get_current_task_btf();
	return (struct task_struct *)bpf_get_current_task();
}

/* A field of the running task itself, direct in every object: one instruction is not much to verify. */
#define EUN_OF_CURRENT(field)                                                                                          \
	(EUN_KNOWS_CURRENT ? bpf_get_current_task_btf()->field                                                         \
			   : BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), field))

/* Which of the two is certain when the object is loaded; the verifier never sees the other. */
#define EUN_READ(pointer, field) (EUN_DIRECT ? (pointer)->field : BPF_CORE_READ(pointer, field))

/*
 * The same pointer as a bare number: the verifier does not take one that it knows for the number that a global function
 * wants.
 */
static __always_inline void *eun_plain(const void *pointer)
{
	void *plain = NULL;

	bpf_probe_read_kernel(&plain, sizeof(plain), &pointer);
	return plain;
}

#endif
