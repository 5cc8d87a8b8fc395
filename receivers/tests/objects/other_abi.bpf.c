// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Built with headers of another version. */
#include "own.h"

struct event {
	u32 pid;
};
const struct event *unused __attribute__((unused));

const volatile u32 eunomia_abi TAG("abi:99") = 99;

SEC("raw_tp/sched_switch")
int on_switch(void *context)
{
	return eunomia_abi;
}
