/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Kernels from 7.0 on skip a program's run on a CPU where another run of it was preempted, and tell nobody. Programs
 * that keep state are therefore there twice, as two programs, each with its own mark of being active: what one misses
 * the other does. Both run for almost every event, so the body must come to the same end when it runs again.
 */
#ifndef EUNOMIA_TWICE_H
#define EUNOMIA_TWICE_H

/* Arguments of a hook are 64 bits wide each, whatever their type. */
#define EUN_ANY_TYPES _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wint-conversion\"")
#define EUN_TYPES     _Pragma("GCC diagnostic pop")

#define EUN_ONE_OF_TWO(hook, name, program, copy, args...)                                                             \
	SEC("tp_btf/" #hook)                                                                                           \
	EUN_TAG("twice:" #name)                                                                                        \
	int program(unsigned long long *ctx)                                                                           \
	{                                                                                                              \
		return name##_body(copy, ___bpf_ctx_cast(args));                                                       \
	}

/*
 * TWICE(hook, name, arguments...) { ... } defines the programs name and name_again on a BTF tracepoint; the body sees
 * `copy`, 0 or 1, a constant that tells them and their scratch apart.
 */
#define TWICE(hook, name, args...)                                                                                     \
	static __always_inline int name##_body(const __u32 copy, unsigned long long *context, ##args);                 \
	EUN_ANY_TYPES                                                                                                  \
	EUN_ONE_OF_TWO(hook, name, name, 0, args)                                                                      \
	EUN_ONE_OF_TWO(hook, name, name##_again, 1, args)                                                              \
	EUN_TYPES                                                                                                      \
	static __always_inline int name##_body(const __u32 copy, unsigned long long *context, ##args)

#endif
