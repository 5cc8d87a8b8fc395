// Prometheus 3, which takes remote write 2.
module prometheus3

go 1.26.0

require github.com/prometheus/prometheus v0.315.0
