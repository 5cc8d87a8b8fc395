// InfluxDB 2, which can't be installed by its name: it replaces two of its modules.
module influxdb

go 1.26.9

require github.com/influxdata/influxdb/v2 v2.10.0

replace github.com/nats-io/nats-streaming-server v0.11.2 => github.com/influxdata/nats-streaming-server v0.11.3-0.20201112040610-c277f7560803

replace github.com/influxdata/flux => github.com/influxdata/flux v0.200.0
