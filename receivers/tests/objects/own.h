/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What a tool that never heard of the project brings along. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef int s32;
typedef long long s64;
typedef _Bool bool;

#define SEC(name)           __attribute__((section(name), used))
#define TAG(text)           __attribute__((btf_decl_tag(text)))
#define __uint(name, value) int(*name)[value]
#define __type(name, type)  typeof(type) *name

static void *(*reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*submit)(void *record, u64 flags) = (void *)132;

struct {
	__uint(type, 27);
	__uint(max_entries, 4096);
} rb SEC(".maps");

char LICENSE[] SEC("license") = "GPL";
