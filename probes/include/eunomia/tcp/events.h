/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What is told of a connection, and the kernel's numbers. */
#ifndef EUNOMIA_TCP_EVENTS_H
#define EUNOMIA_TCP_EVENTS_H

#define AF_INET      2
#define AF_INET6     10
#define IPPROTO_TCP  6
#define S_IFMT       0170000
#define S_IFSOCK     0140000
#define SOCK_DONE    1   /* a bit's number in skc_flags: the peer's FIN has come */
#define ERESTARTSYS  512 /* the kernel's own: interrupted, to be called again or not */
#define ERESTART_END 516

enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT = 2,
	TCP_FIN_WAIT1 = 4,
	TCP_CLOSE = 7,
	TCP_LAST_ACK = 9,
};

enum network_type { ipv4 = 4, ipv6 = 6 };
NAMES(network_type);

enum network_transport { tcp = IPPROTO_TCP };
NAMES(network_transport);

struct endpoints {
	struct address local_address ATTR("network.local.address");
	struct address peer_address ATTR("network.peer.address");
	__u16 local_port PORT ATTR("network.local.port") ABSENT(0);
	__u16 peer_port PORT ATTR("network.peer.port") ABSENT(0);
	__u8 type ENUM(network_type) ATTR("network.type") ABSENT(0);
	__u8 transport ENUM(network_transport) ATTR("network.transport");
	__u8 pad[2];
};

struct connect_event {
	struct event_header header;
	struct endpoints ends;
	__u32 error ERRNO ATTR("error.type");
};
EVENT(connect_event, "network.connect");

struct accept_event {
	struct event_header header;
	struct endpoints ends;
	__u32 pad;
};
EVENT(accept_event, "network.accept");

struct close_event {
	struct event_header header;
	struct endpoints ends;
	__u32 error ERRNO ATTR("error.type"); /* reset or timed out */
	__u64 bytes_sent ATTR("eunomia.network.bytes_sent") UNIT("By");
	__u64 bytes_received ATTR("eunomia.network.bytes_received") UNIT("By");
	__u64 duration_ns ATTR("eunomia.network.duration_ns") UNIT("ns"); /* until both directions were closed */
};
EVENT(close_event, "network.close");

#endif
