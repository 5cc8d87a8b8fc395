/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Programs that do nothing, one for each kind of hook of which only attaching tells whether the kernel
 * has it, and called like it: to attach one concerns nobody.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define IDLE(kind, section)                                                                                            \
	SEC(section)                                                                                                   \
	int kind(void *context)                                                                                        \
	{                                                                                                              \
		return 0;                                                                                              \
	}

IDLE(raw_tp, "raw_tp/idle")
IDLE(tp, "tp/idle/idle")
IDLE(fentry, "fentry/idle")
IDLE(fexit, "fexit/idle")
IDLE(kprobe, "kprobe/idle")
IDLE(kretprobe, "kretprobe/idle")
IDLE(lsm, "lsm/idle")

char LICENSE[] SEC("license") = "Dual BSD/GPL";
