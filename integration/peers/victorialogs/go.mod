// VictoriaLogs, which replaces the release of VictoriaMetrics that it asks for.
module victorialogs

go 1.25.5

require github.com/VictoriaMetrics/VictoriaLogs v1.43.1

replace github.com/VictoriaMetrics/VictoriaMetrics => github.com/VictoriaMetrics/VictoriaMetrics v1.132.1-0.20251216144623-b6bc1860136e
