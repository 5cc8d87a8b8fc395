/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Calls on sockets. Programs of 32 bits make them through one system call, with the arguments in memory. */
#ifndef EUNOMIA_TCP_CALLS_H
#define EUNOMIA_TCP_CALLS_H

#define SYS_CONNECT 3
#define SYS_ACCEPT  5
#define SYS_ACCEPT4 18

enum socket_verb { VERB_OTHER, VERB_CONNECT, VERB_ACCEPT };

struct socket_call {
	enum socket_verb verb;
	__u32 fd; /* of connect */
	__u64 address;
};

static __always_inline struct socket_call from_socketcall(struct syscall_exit call)
{
	struct socket_call found = { .verb = VERB_OTHER };
	__u32 number = EUN_ARGUMENT(call, 0);
	__u32 arguments[2] = {};

	bpf_probe_read_user(arguments, sizeof(arguments), (const void *)EUN_ARGUMENT(call, 1));
	found.fd = arguments[0];
	found.address = arguments[1];
	if (number == SYS_CONNECT)
		found.verb = VERB_CONNECT;
	else if (number == SYS_ACCEPT || number == SYS_ACCEPT4)
		found.verb = VERB_ACCEPT;
	return found;
}

static __always_inline struct socket_call socket_call_of(struct syscall_exit call)
{
	struct socket_call found = { .verb = CALL_IS(call, connect) ? VERB_CONNECT : VERB_ACCEPT };

	if (CALL_IS(call, socketcall))
		return from_socketcall(call);
	found.fd = EUN_ARGUMENT(call, 0);
	found.address = EUN_ARGUMENT(call, 1);
	return found;
}

#endif
