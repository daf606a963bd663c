CREATE TABLE crawl (
id BIGSERIAL NOT NULL
name TEXT NOT NULL
vantage_name TEXT NOT NULL
spider TEXT NOT NULL
arguments JSONB NOT NULL
created_at TIMESTAMP WITH TIME ZONE NOT NULL
finished_at TIMESTAMP WITH TIME ZONE
pass_number INTEGER NOT NULL
max_crawled_url BIGINT NOT NULL
admitted_count BIGINT NOT NULL
done_count BIGINT NOT NULL
listed_position BIGINT NOT NULL
is_listed_end BOOLEAN NOT NULL
CONSTRAINT pk_crawl PRIMARY KEY (id)
)
CREATE UNIQUE INDEX uq_crawl_unfinished ON crawl (name, vantage_name) WHERE finished_at IS NULL

CREATE TABLE figure_block (
block BIGINT NOT NULL
is_sealed SMALLINT NOT NULL
row_count INTEGER
first_s BIGINT
last_s BIGINT
CONSTRAINT pk_figure_block PRIMARY KEY (block)
)

CREATE TABLE figure_column (
name TEXT NOT NULL
block BIGINT NOT NULL
kind TEXT NOT NULL
content BYTEA NOT NULL
CONSTRAINT pk_figure_column PRIMARY KEY (name, block)
)

CREATE TABLE frontier (
id BIGSERIAL NOT NULL
crawl_id BIGINT NOT NULL
pass_number INTEGER NOT NULL
service TEXT NOT NULL
video_id TEXT NOT NULL
depth INTEGER NOT NULL
parent_id BIGINT NOT NULL
place BIGINT NOT NULL
state SMALLINT NOT NULL
is_expanded BOOLEAN NOT NULL
attempt_count INTEGER NOT NULL
seed_id BIGINT
owner_id BIGINT
lease_until_s DOUBLE PRECISION
payload TEXT
failure TEXT
failure_detail TEXT
CONSTRAINT pk_frontier PRIMARY KEY (id)
)
CREATE INDEX ix_frontier_in_flight ON frontier (state, crawl_id, pass_number, owner_id) WHERE state = 1
CREATE INDEX ix_frontier_queued ON frontier (crawl_id, pass_number, depth, parent_id, place) WHERE state = 0
CREATE UNIQUE INDEX uq_frontier_video ON frontier (crawl_id, pass_number, service, video_id)

CREATE TABLE legacy_source (
id BIGSERIAL NOT NULL
file_name TEXT NOT NULL
table_name TEXT NOT NULL
imported_at TIMESTAMP WITH TIME ZONE NOT NULL
row_count BIGINT NOT NULL
known_count BIGINT NOT NULL
unreadable_count BIGINT NOT NULL
unreadable JSONB NOT NULL
software_version TEXT
CONSTRAINT pk_legacy_source PRIMARY KEY (id)
)

CREATE TABLE owner (
id BIGSERIAL NOT NULL
token VARCHAR(36) NOT NULL
host TEXT NOT NULL
machine TEXT NOT NULL
pid INTEGER NOT NULL
process_started TEXT NOT NULL
created_at TIMESTAMP WITH TIME ZONE NOT NULL
CONSTRAINT pk_owner PRIMARY KEY (id)
CONSTRAINT uq_owner_token UNIQUE (token)
)

CREATE TABLE vantage (
id BIGSERIAL NOT NULL
name TEXT NOT NULL
provider TEXT NOT NULL
public_address TEXT
CONSTRAINT pk_vantage PRIMARY KEY (id)
CONSTRAINT uq_vantage_name_provider UNIQUE (name, provider)
)

CREATE TABLE video (
id BIGSERIAL NOT NULL
service TEXT NOT NULL
video_id TEXT NOT NULL
url TEXT NOT NULL
title TEXT
duration_s DOUBLE PRECISION
uploaded_at TIMESTAMP WITH TIME ZONE
first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL
CONSTRAINT pk_video PRIMARY KEY (id)
CONSTRAINT uq_video_service_video_id UNIQUE (service, video_id)
)

CREATE TABLE daily (
id BIGSERIAL NOT NULL
day_s BIGINT NOT NULL
vantage_id BIGINT NOT NULL
service TEXT NOT NULL
measurement_count BIGINT NOT NULL
resolved_count BIGINT NOT NULL
valid_count BIGINT NOT NULL
CONSTRAINT pk_daily PRIMARY KEY (id)
CONSTRAINT fk_daily_vantage_id FOREIGN KEY(vantage_id) REFERENCES vantage (id)
)
CREATE UNIQUE INDEX uq_daily_key ON daily (day_s, vantage_id, service)

CREATE TABLE legacy_row (
id BIGSERIAL NOT NULL
source_id BIGINT NOT NULL
digest VARCHAR(32) NOT NULL
occurrence INTEGER NOT NULL
old_id TEXT
service TEXT
url TEXT
cacheurl TEXT
cacheserverdelay DOUBLE PRECISION
ip TEXT
resolver TEXT
resolvetime DOUBLE PRECISION
asnumber BIGINT
pingmin DOUBLE PRECISION
pingavg DOUBLE PRECISION
pingmax DOUBLE PRECISION
downloadtime DOUBLE PRECISION
videotype TEXT
videoduration DOUBLE PRECISION
videolength DOUBLE PRECISION
encodingrate DOUBLE PRECISION
downloadbytes BIGINT
downloadinterruptions BIGINT
initialdata DOUBLE PRECISION
initialrate DOUBLE PRECISION
initialplaybackbuffer DOUBLE PRECISION
bufferingduration DOUBLE PRECISION
playbackduration DOUBLE PRECISION
bufferdurationatend DOUBLE PRECISION
timetogetfirstbyte DOUBLE PRECISION
maxinstantthp DOUBLE PRECISION
redirecturl TEXT
statuscode BIGINT
CONSTRAINT pk_legacy_row PRIMARY KEY (id)
CONSTRAINT fk_legacy_row_source_id FOREIGN KEY(source_id) REFERENCES legacy_source (id)
)
CREATE INDEX ix_legacy_row_source_id ON legacy_row (source_id)
CREATE UNIQUE INDEX uq_legacy_row_digest ON legacy_row (digest, occurrence)

CREATE TABLE run (
id BIGSERIAL NOT NULL
uuid VARCHAR(36) NOT NULL
vantage_id BIGINT NOT NULL
crawl_id BIGINT
spider TEXT NOT NULL
arguments JSONB NOT NULL
settings JSONB NOT NULL
software_version TEXT
schema_version TEXT
scrapy_version TEXT
yt_dlp_version TEXT
python_version TEXT
platform TEXT
started_at TIMESTAMP WITH TIME ZONE NOT NULL
ended_at TIMESTAMP WITH TIME ZONE
end_reason TEXT
CONSTRAINT pk_run PRIMARY KEY (id)
CONSTRAINT uq_run_uuid UNIQUE (uuid)
CONSTRAINT fk_run_vantage_id FOREIGN KEY(vantage_id) REFERENCES vantage (id)
CONSTRAINT fk_run_crawl_id FOREIGN KEY(crawl_id) REFERENCES crawl (id)
)
CREATE INDEX ix_run_crawl_id ON run (crawl_id)

CREATE TABLE daily_failure (
daily_id BIGINT NOT NULL
failure TEXT NOT NULL
attribution TEXT NOT NULL
stage TEXT NOT NULL
measurement_count BIGINT NOT NULL
CONSTRAINT pk_daily_failure PRIMARY KEY (daily_id, failure, attribution, stage)
CONSTRAINT fk_daily_failure_daily_id FOREIGN KEY(daily_id) REFERENCES daily (id)
)

CREATE TABLE daily_figure (
daily_id BIGINT NOT NULL
name TEXT NOT NULL
part TEXT NOT NULL
row_count BIGINT NOT NULL
known_count BIGINT NOT NULL
total DOUBLE PRECISION
low DOUBLE PRECISION
high DOUBLE PRECISION
histogram BYTEA NOT NULL
CONSTRAINT pk_daily_figure PRIMARY KEY (daily_id, name, part)
CONSTRAINT fk_daily_figure_daily_id FOREIGN KEY(daily_id) REFERENCES daily (id)
)

CREATE TABLE measurement (
id BIGSERIAL NOT NULL
uuid VARCHAR(36) NOT NULL
run_id BIGINT NOT NULL
vantage_id BIGINT NOT NULL
crawl_id BIGINT
pass_number INTEGER NOT NULL
video_row_id BIGINT NOT NULL
is_superseded BOOLEAN NOT NULL
software_version TEXT
schema_version TEXT
started_at TIMESTAMP WITH TIME ZONE
stored_at TIMESTAMP WITH TIME ZONE NOT NULL
depth INTEGER
source TEXT
seed_source TEXT
parent_id TEXT
claim_id BIGINT
frontier_order BIGINT
related_count INTEGER
page_failure TEXT
page_failure_detail TEXT
view_count BIGINT
video_age_s DOUBLE PRECISION
since_last_measured_s DOUBLE PRECISION
resolve_elapsed_s DOUBLE PRECISION
resolve_attempt_count INTEGER
available_wait_s DOUBLE PRECISION
address_family INTEGER
client_address TEXT
extractor TEXT
client TEXT
resolve_software_version TEXT
player_config JSONB
resolve_failure TEXT
resolve_failure_detail TEXT
dns_resolver TEXT
dns_elapsed_s DOUBLE PRECISION
dns_failure TEXT
dns_failure_detail TEXT
ping_elapsed_s DOUBLE PRECISION
ping_failure TEXT
ping_failure_detail TEXT
join_time_s DOUBLE PRECISION
failure_stage TEXT
attribution TEXT
store_failure_detail TEXT
failure TEXT
failure_detail TEXT
CONSTRAINT pk_measurement PRIMARY KEY (id)
CONSTRAINT uq_measurement_uuid UNIQUE (uuid)
CONSTRAINT fk_measurement_run_id FOREIGN KEY(run_id) REFERENCES run (id)
CONSTRAINT fk_measurement_vantage_id FOREIGN KEY(vantage_id) REFERENCES vantage (id)
CONSTRAINT fk_measurement_crawl_id FOREIGN KEY(crawl_id) REFERENCES crawl (id)
CONSTRAINT fk_measurement_video_row_id FOREIGN KEY(video_row_id) REFERENCES video (id)
)
CREATE INDEX ix_measurement_run_id ON measurement (run_id)
CREATE INDEX ix_measurement_started_at ON measurement (started_at)
CREATE INDEX ix_measurement_video_row_id ON measurement (video_row_id)
CREATE UNIQUE INDEX uq_measurement_of_pass ON measurement (crawl_id, pass_number, video_row_id, vantage_id) WHERE NOT is_superseded AND arm IS NULL

CREATE TABLE open_window (
run_id BIGINT NOT NULL
updated_at TIMESTAMP WITH TIME ZONE NOT NULL
service TEXT NOT NULL
video_id TEXT NOT NULL
title TEXT
stage TEXT NOT NULL
elapsed_s DOUBLE PRECISION
window_s DOUBLE PRECISION
received_bytes BIGINT
CONSTRAINT pk_open_window PRIMARY KEY (run_id)
CONSTRAINT fk_open_window_run_id FOREIGN KEY(run_id) REFERENCES run (id)
)

CREATE TABLE dns_lookup (
id BIGSERIAL NOT NULL
measurement_id BIGINT NOT NULL
host TEXT NOT NULL
resolver TEXT NOT NULL
resolver_address TEXT
transport TEXT
record_type TEXT
t_s DOUBLE PRECISION
elapsed_s DOUBLE PRECISION
rcode TEXT
ttl_s BIGINT
cnames JSONB
chosen_address TEXT
failure TEXT
failure_detail TEXT
CONSTRAINT pk_dns_lookup PRIMARY KEY (id)
CONSTRAINT fk_dns_lookup_measurement_id FOREIGN KEY(measurement_id) REFERENCES measurement (id)
)
CREATE INDEX ix_dns_lookup_measurement_id ON dns_lookup (measurement_id)

CREATE TABLE download (
id BIGSERIAL NOT NULL
measurement_id BIGINT NOT NULL
place INTEGER NOT NULL
mode TEXT
ended_by TEXT
address_family BIGINT
host TEXT
address TEXT
via_proxy BOOLEAN
is_cross_traffic BOOLEAN
window_s DOUBLE PRECISION
elapsed_s DOUBLE PRECISION
connect_s DOUBLE PRECISION
first_byte_s DOUBLE PRECISION
active_s DOUBLE PRECISION
no_demand_s DOUBLE PRECISION
delivery_bps DOUBLE PRECISION
delivery_after_2s_bps DOUBLE PRECISION
bin_min_bps DOUBLE PRECISION
bin_median_bps DOUBLE PRECISION
bin_p95_bps DOUBLE PRECISION
bin_max_bps DOUBLE PRECISION
cpu_ratio DOUBLE PRECISION
started_at TIMESTAMP WITH TIME ZONE
tcp_rtt_min_s DOUBLE PRECISION
tcp_receiver_rtt_median_s DOUBLE PRECISION
tcp_received_segment_count BIGINT
tcp_out_of_order_count BIGINT
tcp_receive_window_max_bytes BIGINT
loaded_sent_count BIGINT
loaded_received_count BIGINT
loaded_rtt_min_s DOUBLE PRECISION
loaded_rtt_median_s DOUBLE PRECISION
loaded_rtt_max_s DOUBLE PRECISION
loaded_samples BYTEA
received_bytes BIGINT
foreign_received_bytes BIGINT
foreign_sent_bytes BIGINT
pair_id TEXT
interface_kind TEXT
kernel TEXT
congestion_control TEXT
link_rate_bps BIGINT
wifi_signal_dbm BIGINT
mtu_bytes BIGINT
is_vpn BOOLEAN
is_probe_limited BOOLEAN
cache_site TEXT
cache_airport TEXT
loaded_gateway_sent_count BIGINT
loaded_gateway_received_count BIGINT
loaded_gateway_rtt_min_s DOUBLE PRECISION
loaded_gateway_rtt_median_s DOUBLE PRECISION
loaded_gateway_rtt_max_s DOUBLE PRECISION
loaded_gateway_samples BYTEA
clock_offset_s DOUBLE PRECISION
clock_offset_error_s DOUBLE PRECISION
cpu_throttled_s DOUBLE PRECISION
cpu_steal_ratio DOUBLE PRECISION
is_clock_synchronised BOOLEAN
is_cpu_throttled BOOLEAN
access_technology TEXT
contract_bps BIGINT
failure TEXT
failure_detail TEXT
CONSTRAINT pk_download PRIMARY KEY (id)
CONSTRAINT uq_download_measurement_id_place UNIQUE (measurement_id, place)
CONSTRAINT fk_download_measurement_id FOREIGN KEY(measurement_id) REFERENCES measurement (id)
)

CREATE TABLE figure (
measurement_id BIGINT NOT NULL
started_s BIGINT NOT NULL
vantage_id BIGINT NOT NULL
run_id BIGINT NOT NULL
video_row_id BIGINT NOT NULL
place INTEGER NOT NULL
is_valid SMALLINT NOT NULL
is_session SMALLINT NOT NULL
service TEXT
host TEXT
cache_site TEXT
resolver TEXT
http_version TEXT
format TEXT
mode TEXT
client TEXT
player TEXT
address_family SMALLINT
failure TEXT
attribution TEXT
failure_stage TEXT
ping_method TEXT
yt_dlp_version TEXT
cache_airport TEXT
as_holder TEXT
as_number BIGINT
is_started SMALLINT
has_stall SMALLINT
startup_delay_s DOUBLE PRECISION
waited_s DOUBLE PRECISION
stalled_s DOUBLE PRECISION
played_s DOUBLE PRECISION
stall_ratio DOUBLE PRECISION
join_time_s DOUBLE PRECISION
stall_count INTEGER
stall_1s_count INTEGER
buffer_end_s DOUBLE PRECISION
initial_buffer_s DOUBLE PRECISION
initial_rate_bps DOUBLE PRECISION
mos_stalling_hossfeld2011 DOUBLE PRECISION
initial_buffer_bytes BIGINT
delivery_bps DOUBLE PRECISION
delivery_after_2s_bps DOUBLE PRECISION
throughput_bps DOUBLE PRECISION
reception_ratio DOUBLE PRECISION
bitrate_bps DOUBLE PRECISION
bin_min_bps DOUBLE PRECISION
bin_median_bps DOUBLE PRECISION
bin_max_bps DOUBLE PRECISION
download_s DOUBLE PRECISION
connect_s DOUBLE PRECISION
first_byte_s DOUBLE PRECISION
received_bytes BIGINT
size_bytes BIGINT
service_estimate_bps BIGINT
status INTEGER
height_px INTEGER
video_duration_s DOUBLE PRECISION
cpu_ratio DOUBLE PRECISION
is_cross_traffic SMALLINT
rtt_min_s DOUBLE PRECISION
rtt_avg_s DOUBLE PRECISION
rtt_max_s DOUBLE PRECISION
loss_ratio DOUBLE PRECISION
dns_elapsed_s DOUBLE PRECISION
resolve_elapsed_s DOUBLE PRECISION
CONSTRAINT pk_figure PRIMARY KEY (measurement_id)
CONSTRAINT fk_figure_measurement_id FOREIGN KEY(measurement_id) REFERENCES measurement (id)
)
CREATE INDEX ix_figure_changes ON figure (started_s, run_id, client, failure, attribution)
CREATE INDEX ix_figure_run ON figure (run_id, failure)
CREATE INDEX ix_figure_started_s ON figure (started_s)
CREATE INDEX ix_figure_vantage ON figure (vantage_id, measurement_id, failure)

CREATE TABLE network (
measurement_id BIGINT NOT NULL
address TEXT NOT NULL
as_number BIGINT
other_as_numbers JSONB
as_prefix TEXT
as_holder TEXT
source TEXT
CONSTRAINT pk_network PRIMARY KEY (measurement_id, address)
CONSTRAINT fk_network_measurement_id FOREIGN KEY(measurement_id) REFERENCES measurement (id)
)

CREATE TABLE ping (
id BIGSERIAL NOT NULL
measurement_id BIGINT NOT NULL
address TEXT NOT NULL
method TEXT
port BIGINT
sent_count BIGINT
received_count BIGINT
loss_ratio DOUBLE PRECISION
rtt_min_s DOUBLE PRECISION
rtt_avg_s DOUBLE PRECISION
rtt_median_s DOUBLE PRECISION
rtt_max_s DOUBLE PRECISION
rtt_stddev_s DOUBLE PRECISION
via_proxy BOOLEAN
failure TEXT
failure_detail TEXT
role TEXT
CONSTRAINT pk_ping PRIMARY KEY (id)
CONSTRAINT fk_ping_measurement_id FOREIGN KEY(measurement_id) REFERENCES measurement (id)
)
CREATE INDEX ix_ping_measurement_id ON ping (measurement_id)

CREATE TABLE playback (
id BIGSERIAL NOT NULL
measurement_id BIGINT NOT NULL
place INTEGER NOT NULL
player TEXT NOT NULL
parameters JSONB NOT NULL
is_started BOOLEAN
is_ended BOOLEAN
is_validated BOOLEAN
is_identifiable BOOLEAN
horizon_s DOUBLE PRECISION
startup_delay_s DOUBLE PRECISION
stalled_s DOUBLE PRECISION
stall_ratio DOUBLE PRECISION
played_s DOUBLE PRECISION
initial_buffer_s DOUBLE PRECISION
initial_rate_bps DOUBLE PRECISION
buffer_end_s DOUBLE PRECISION
media_received_s DOUBLE PRECISION
mos_stalling_hossfeld2011 DOUBLE PRECISION
stall_count BIGINT
stall_1s_count BIGINT
freeze_count BIGINT
initial_buffer_bytes BIGINT
timeline_method TEXT
failure TEXT
failure_detail TEXT
CONSTRAINT pk_playback PRIMARY KEY (id)
CONSTRAINT uq_playback_measurement_id_place_player UNIQUE (measurement_id, place, player)
CONSTRAINT fk_playback_measurement_id FOREIGN KEY(measurement_id) REFERENCES measurement (id)
)

CREATE TABLE dns_address (
lookup_id BIGINT NOT NULL
place INTEGER NOT NULL
address TEXT NOT NULL
CONSTRAINT pk_dns_address PRIMARY KEY (lookup_id, place)
CONSTRAINT fk_dns_address_lookup_id FOREIGN KEY(lookup_id) REFERENCES dns_lookup (id)
)

CREATE TABLE http_request (
id BIGSERIAL NOT NULL
download_id BIGINT NOT NULL
stream INTEGER NOT NULL
hop INTEGER NOT NULL
host TEXT
port BIGINT
address TEXT
address_family BIGINT
t_s DOUBLE PRECISION
range_start_bytes BIGINT
range_end_bytes BIGINT
status BIGINT
http_version TEXT
tls_version TEXT
dns_s DOUBLE PRECISION
connect_s DOUBLE PRECISION
tls_s DOUBLE PRECISION
first_byte_s DOUBLE PRECISION
total_s DOUBLE PRECISION
received_bytes BIGINT
content_length_bytes BIGINT
content_type TEXT
retry_after_s DOUBLE PRECISION
failure TEXT
failure_detail TEXT
CONSTRAINT pk_http_request PRIMARY KEY (id)
CONSTRAINT fk_http_request_download_id FOREIGN KEY(download_id) REFERENCES download (id)
)
CREATE INDEX ix_http_request_download_id ON http_request (download_id)

CREATE TABLE playback_event (
id BIGSERIAL NOT NULL
playback_id BIGINT NOT NULL
kind TEXT NOT NULL
start_s DOUBLE PRECISION
duration_s DOUBLE PRECISION
is_open BOOLEAN
CONSTRAINT pk_playback_event PRIMARY KEY (id)
CONSTRAINT fk_playback_event_playback_id FOREIGN KEY(playback_id) REFERENCES playback (id)
)
CREATE INDEX ix_playback_event_playback_id ON playback_event (playback_id)

CREATE TABLE stream (
id BIGSERIAL NOT NULL
measurement_id BIGINT NOT NULL
download_id BIGINT
place INTEGER NOT NULL
stream INTEGER NOT NULL
kind TEXT
format_id TEXT
host TEXT
port BIGINT
extension TEXT
container TEXT
video_codec TEXT
audio_codec TEXT
width_px BIGINT
height_px BIGINT
frame_rate_fps DOUBLE PRECISION
declared_bitrate_bps DOUBLE PRECISION
declared_size_bytes BIGINT
chunk_bytes BIGINT
available_at TIMESTAMP WITH TIME ZONE
primary_cache TEXT
fallback_cache TEXT
cache_kind TEXT
cache_status TEXT
prefix_length BIGINT
service_estimate_bps BIGINT
client TEXT
experiments TEXT
cache_site TEXT
cache_airport TEXT
received_bytes BIGINT
size_bytes BIGINT
spooled_bytes BIGINT
is_complete BOOLEAN
no_demand JSONB
failure TEXT
failure_detail TEXT
timeline_method TEXT
init_bytes BIGINT
is_index_last BOOLEAN
fallback_reason TEXT
file_container TEXT
file_video_codec TEXT
file_audio_codec TEXT
file_width_px BIGINT
file_height_px BIGINT
file_frame_rate_fps DOUBLE PRECISION
file_bitrate_bps DOUBLE PRECISION
file_duration_s DOUBLE PRECISION
timeline_failure TEXT
timeline_failure_detail TEXT
CONSTRAINT pk_stream PRIMARY KEY (id)
CONSTRAINT uq_stream_measurement_id_place_stream UNIQUE (measurement_id, place, stream)
CONSTRAINT fk_stream_measurement_id FOREIGN KEY(measurement_id) REFERENCES measurement (id)
CONSTRAINT fk_stream_download_id FOREIGN KEY(download_id) REFERENCES download (id)
)
CREATE INDEX ix_stream_download_id ON stream (download_id)

CREATE TABLE tcp_connection (
id BIGSERIAL NOT NULL
download_id BIGINT NOT NULL
stream INTEGER NOT NULL
address TEXT
port BIGINT
local_port BIGINT
rtt_min_s DOUBLE PRECISION
receiver_rtt_median_s DOUBLE PRECISION
receiver_rtt_max_s DOUBLE PRECISION
received_bytes BIGINT
received_segment_count BIGINT
out_of_order_count BIGINT
receive_window_max_bytes BIGINT
maximum_segment_bytes BIGINT
all_received_segment_count BIGINT
all_sent_segment_count BIGINT
sent_retransmission_count BIGINT
sent_congestion_window_segments BIGINT
sent_delivery_rate_bps BIGINT
sample_count BIGINT
samples BYTEA
CONSTRAINT pk_tcp_connection PRIMARY KEY (id)
CONSTRAINT fk_tcp_connection_download_id FOREIGN KEY(download_id) REFERENCES download (id)
)
CREATE INDEX ix_tcp_connection_download_id ON tcp_connection (download_id)

CREATE TABLE arrival_trace (
stream_id BIGINT NOT NULL
point_count BIGINT NOT NULL
points BYTEA NOT NULL
CONSTRAINT pk_arrival_trace PRIMARY KEY (stream_id)
CONSTRAINT fk_arrival_trace_stream_id FOREIGN KEY(stream_id) REFERENCES stream (id)
)

CREATE TABLE media_timeline (
stream_id BIGINT NOT NULL
point_count BIGINT NOT NULL
segment_count BIGINT NOT NULL
points BYTEA NOT NULL
CONSTRAINT pk_media_timeline PRIMARY KEY (stream_id)
CONSTRAINT fk_media_timeline_stream_id FOREIGN KEY(stream_id) REFERENCES stream (id)
)
