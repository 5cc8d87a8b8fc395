/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Kernels from 7.0 on skip a program's run on a CPU where another run of it was preempted, and tell nobody. Programs
 * that keep state are therefore there twice, as two programs, each with its own mark of being active: what one misses
 * the other does. Both run for almost every event, so the body must come to the same end when it runs again.
 */
#ifndef EUNOMIA_TWICE_H
#define EUNOMIA_TWICE_H

/*
 * TWICE(hook, name, arguments...) { ... } defines the programs name and name_again on a BTF tracepoint; the body sees
 * `copy`, 0 or 1, a constant that tells them and their scratch apart.
 */
#define TWICE(hook, name, args...)                                                                                     \
	static __always_inline int name##_body(const __u32 copy, unsigned long long *context, ##args);                 \
	_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wint-conversion\"") SEC("tp_btf/" #hook)     \
		EUN_TAG("twice:" #name) int                                                                            \
		name(unsigned long long *ctx)                                                                          \
	{                                                                                                              \
		return name##_body(0, ___bpf_ctx_cast(args));                                                          \
	}                                                                                                              \
	SEC("tp_btf/" #hook)                                                                                           \
	EUN_TAG("twice:" #name)                                                                                        \
	int name##_again(unsigned long long *ctx)                                                                      \
	{                                                                                                              \
		return name##_body(1, ___bpf_ctx_cast(args));                                                          \
	}                                                                                                              \
	_Pragma("GCC diagnostic pop") static __always_inline int name##_body(const __u32 copy,                         \
									     unsigned long long *context, ##args)

#endif
