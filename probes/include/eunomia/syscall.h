/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Functions on the end of system calls. None of them is attached: one program on tp_btf/sys_exit looks up who wants the
 * call and jumps there, and each jumps on to the next, so that a call nobody wants costs the same for any number.
 */
#ifndef EUNOMIA_SYSCALL_H
#define EUNOMIA_SYSCALL_H

struct syscall_exit {
	const struct pt_regs *regs;
	long result;
	int number;
	bool compat; /* a 32-bit call: int 0x80, whose numbers are others */
};

#define EUN_NUMBER_(compat, native, other) ((compat) ? (other) : (native))
#define EUN_NUMBER(compat, ...)            EUN_NUMBER_(compat, __VA_ARGS__)

/* Whether this is the named system call, in either ABI. */
#define CALL_IS(call, name) ((call).number == EUN_NUMBER((call).compat, CALL_##name))

/* The n-th argument, from 0. */
#define EUN_ARGUMENT(call, n)                                                                                          \
	({                                                                                                             \
		const struct pt_regs *registers = (call).regs;                                                         \
		(call).compat ? (__u32)ARCH_COMPAT_##n(registers) : (__u64)ARCH_ARGUMENT_##n(registers);               \
	})

/* The dispatcher's map has the 32-bit calls behind the others, and nothing at its end. */
static __always_inline __u32 eun_call_index(__u32 number, bool compat)
{
	if (number >= EUN_CALLS)
		return 2 * EUN_CALLS;
	return compat ? EUN_CALLS + number : number;
}

static __always_inline __u32 eun_slots_of(__u32 index)
{
	__u32 *slots = bpf_map_lookup_elem(&eun_calls, &index);

	return slots ? *slots : 0;
}

static __always_inline __u32 eun_lowest_bit(__u32 bits)
{
	__u32 bit = 0;

	for (__u32 half = 16; half; half /= 2) {
		if (bits & ((1u << half) - 1))
			continue;
		bits >>= half;
		bit += half;
	}
	return bit;
}

/* Jumps to the first of these slots; comes back where there is none, or none in the slot. */
static __always_inline void eun_jump(void *context, __u32 slots)
{
	if (slots)
		bpf_tail_call(context, &eun_dispatch, eun_lowest_bit(slots));
}

static __always_inline struct syscall_exit eun_syscall_exit(unsigned long long *context)
{
	const struct pt_regs *regs = (const void *)context[0];
	struct syscall_exit call = {
		.regs = regs,
		.result = context[1],
		.number = arch_call_number(regs),
		.compat = arch_call_is_compat(),
	};

	return call;
}

#define EUN_CALL_TAG_(native, compat)           EUN_TAG("syscall:" #native ":" #compat)
#define EUN_CALL_TAG(...)                       EUN_CALL_TAG_(__VA_ARGS__)
#define EUN_TAGS_1(a)                           EUN_CALL_TAG(CALL_##a)
#define EUN_TAGS_2(a, ...)                      EUN_CALL_TAG(CALL_##a) EUN_TAGS_1(__VA_ARGS__)
#define EUN_TAGS_3(a, ...)                      EUN_CALL_TAG(CALL_##a) EUN_TAGS_2(__VA_ARGS__)
#define EUN_TAGS_4(a, ...)                      EUN_CALL_TAG(CALL_##a) EUN_TAGS_3(__VA_ARGS__)
#define EUN_TAGS_5(a, ...)                      EUN_CALL_TAG(CALL_##a) EUN_TAGS_4(__VA_ARGS__)
#define EUN_TAGS_6(a, ...)                      EUN_CALL_TAG(CALL_##a) EUN_TAGS_5(__VA_ARGS__)
#define EUN_TAGS_(n, ...)                       EUN_TAGS_##n(__VA_ARGS__)
#define EUN_TAGS(n, ...)                        EUN_TAGS_(n, __VA_ARGS__)
#define EUN_HOW_MANY_(a, b, c, d, e, f, n, ...) n
#define EUN_HOW_MANY(...)                       EUN_HOW_MANY_(__VA_ARGS__, 6, 5, 4, 3, 2, 1)

/*
 * SYSCALL_EXIT(function, call, ...) { ... } sees `struct syscall_exit call` of the named calls, up to six. The loader
 * puts the program into the slot that it wrote into slot_FUNCTION.
 */
#define SYSCALL_EXIT(function, ...)                                                                                    \
	const volatile __u32 slot_##function = EUN_SLOTS - 1;                                                          \
	static __always_inline void function##_body(struct syscall_exit call);                                         \
	SEC("tp_btf/sys_exit")                                                                                         \
	EUN_TAGS(EUN_HOW_MANY(__VA_ARGS__), __VA_ARGS__)                                                               \
	int function(unsigned long long *context)                                                                      \
	{                                                                                                              \
		struct syscall_exit call = eun_syscall_exit(context);                                                  \
		__u32 slots = eun_slots_of(eun_call_index(call.number, call.compat));                                  \
                                                                                                                       \
		function##_body(call);                                                                                 \
		eun_jump(context, slots & ~((2u << (slot_##function & (EUN_SLOTS - 1))) - 1));                         \
		return 0;                                                                                              \
	}                                                                                                              \
	static __always_inline void function##_body(struct syscall_exit call)

#endif
