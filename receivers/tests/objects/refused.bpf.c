// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Objects that are refused, one for each value of CASE. */
#include "own.h"

struct event {
#if CASE == 1
	char name[8] TAG("attr:a") TAG("render:errno");
#elif CASE == 2
	u32 pid TAG("attr:a");
	u32 tid TAG("attr:a");
#elif CASE == 3
	u32 mode TAG("attr:a") TAG("enum:nowhere");
#elif CASE == 4
	u32 port TAG("attr:a") TAG("render:port");
#elif CASE == 5
	u8 small TAG("attr:a") TAG("absent:256");
#elif CASE == 6
	u32 time TAG("role:time");
#elif CASE == 7
	u32 pid TAG("derive:upper:a");
#elif CASE == 8
	__int128 huge TAG("attr:a");
#else
	u32 pid TAG("attr:a");
#endif
};
struct event *const eunomia_event SEC(".eunomia") TAG("event:sample") = 0;

#if CASE == 9
struct other {
	u32 pid TAG("attr:a");
};
struct other *const eunomia_other SEC(".eunomia") TAG("event:other") = 0;
#elif CASE == 10
u32 *const eunomia_other SEC(".eunomia") TAG("event:other") = 0;
#elif CASE == 11
struct {
	__uint(type, 27);
	__uint(max_entries, 4096);
} ring SEC(".maps") TAG("metric:counter:1:a");
#elif CASE == 12
const volatile u32 one TAG("option:key") = 1;
const volatile u32 two TAG("option:key") = 1;
#elif CASE == 13
struct {
	__uint(type, 1);
	__uint(max_entries, 16);
	__type(key, u32);
	__type(value, u64);
} ring SEC(".maps") TAG("metric:histogram:1:a");
#elif CASE == 15
struct {
	__uint(type, 4);
	__uint(key_size, 4);
	__uint(value_size, 4);
} records SEC(".maps");
#endif

#if CASE == 14
SEC("xdp")
#else
SEC("tp_btf/sched_switch")
#endif
int on_switch(void *context)
{
#if CASE == 12
	return one + two;
#endif
	return 0;
}
