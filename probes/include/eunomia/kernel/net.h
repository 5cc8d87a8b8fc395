/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Sockets. */
#ifndef EUNOMIA_KERNEL_NET_H
#define EUNOMIA_KERNEL_NET_H

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
} KERNEL;

struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	unsigned long skc_flags;
} KERNEL;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	int sk_err;
} KERNEL;

struct socket {
	struct sock *sk;
} KERNEL;

struct inet_sock {
	__u16 inet_sport;
} KERNEL;

struct tcp_sock {
	__u32 rcv_nxt, copied_seq, snd_una, write_seq;
	__u64 bytes_acked, bytes_received;
} KERNEL;

#endif
