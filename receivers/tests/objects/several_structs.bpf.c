// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Two structs of which each could be the record's. */
#include "own.h"

struct one {
	u32 pid;
};
struct two {
	u32 pid;
};
const struct one *first __attribute__((unused));
const struct two *second __attribute__((unused));

SEC("tp_btf/sched_switch")
int on_switch(void *context)
{
	return 0;
}
