CREATE TABLE crawl (
id INTEGER NOT NULL
name TEXT NOT NULL
vantage_name TEXT NOT NULL
spider TEXT NOT NULL
arguments JSON NOT NULL
created_at VARCHAR(32) NOT NULL
finished_at VARCHAR(32)
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
block INTEGER NOT NULL
is_sealed SMALLINT NOT NULL
row_count INTEGER
first_s BIGINT
last_s BIGINT
CONSTRAINT pk_figure_block PRIMARY KEY (block)
)

CREATE TABLE figure_column (
name TEXT NOT NULL
block INTEGER NOT NULL
kind TEXT NOT NULL
content BLOB NOT NULL
CONSTRAINT pk_figure_column PRIMARY KEY (name, block)
)

CREATE TABLE frontier (
id INTEGER NOT NULL
crawl_id INTEGER NOT NULL
pass_number INTEGER NOT NULL
service TEXT NOT NULL
video_id TEXT NOT NULL
depth INTEGER NOT NULL
parent_id INTEGER NOT NULL
place BIGINT NOT NULL
state SMALLINT NOT NULL
is_expanded BOOLEAN NOT NULL
attempt_count INTEGER NOT NULL
seed_id INTEGER
owner_id INTEGER
lease_until_s DOUBLE
payload TEXT
failure TEXT
failure_detail TEXT
CONSTRAINT pk_frontier PRIMARY KEY (id)
)
CREATE INDEX ix_frontier_in_flight ON frontier (state, crawl_id, pass_number, owner_id) WHERE state = 1
CREATE INDEX ix_frontier_queued ON frontier (crawl_id, pass_number, depth, parent_id, place) WHERE state = 0
CREATE UNIQUE INDEX uq_frontier_video ON frontier (crawl_id, pass_number, service, video_id)

CREATE TABLE legacy_source (
id INTEGER NOT NULL
file_name TEXT NOT NULL
table_name TEXT NOT NULL
imported_at VARCHAR(32) NOT NULL
row_count BIGINT NOT NULL
known_count BIGINT NOT NULL
unreadable_count BIGINT NOT NULL
unreadable JSON NOT NULL
software_version TEXT
CONSTRAINT pk_legacy_source PRIMARY KEY (id)
)

CREATE TABLE owner (
id INTEGER NOT NULL
token VARCHAR(36) NOT NULL
host TEXT NOT NULL
machine TEXT NOT NULL
pid INTEGER NOT NULL
process_started TEXT NOT NULL
created_at VARCHAR(32) NOT NULL
CONSTRAINT pk_owner PRIMARY KEY (id)
CONSTRAINT uq_owner_token UNIQUE (token)
)

CREATE TABLE vantage (
id INTEGER NOT NULL
name TEXT NOT NULL
provider TEXT NOT NULL
public_address TEXT
CONSTRAINT pk_vantage PRIMARY KEY (id)
CONSTRAINT uq_vantage_name_provider UNIQUE (name, provider)
)

CREATE TABLE video (
id INTEGER NOT NULL
service TEXT NOT NULL
video_id TEXT NOT NULL
url TEXT NOT NULL
title TEXT
duration_s DOUBLE
uploaded_at VARCHAR(32)
first_seen_at VARCHAR(32) NOT NULL
CONSTRAINT pk_video PRIMARY KEY (id)
CONSTRAINT uq_video_service_video_id UNIQUE (service, video_id)
)

CREATE TABLE daily (
id INTEGER NOT NULL
day_s BIGINT NOT NULL
vantage_id INTEGER NOT NULL
service TEXT NOT NULL
measurement_count BIGINT NOT NULL
resolved_count BIGINT NOT NULL
valid_count BIGINT NOT NULL
CONSTRAINT pk_daily PRIMARY KEY (id)
CONSTRAINT fk_daily_vantage_id FOREIGN KEY(vantage_id) REFERENCES vantage (id)
)
CREATE UNIQUE INDEX uq_daily_key ON daily (day_s, vantage_id, service)

CREATE TABLE legacy_row (
id INTEGER NOT NULL
source_id INTEGER NOT NULL
digest VARCHAR(32) NOT NULL
occurrence INTEGER NOT NULL
old_id TEXT
service TEXT
url TEXT
cacheurl TEXT
cacheserverdelay DOUBLE
ip TEXT
resolver TEXT
resolvetime DOUBLE
asnumber BIGINT
pingmin DOUBLE
pingavg DOUBLE
pingmax DOUBLE
downloadtime DOUBLE
videotype TEXT
videoduration DOUBLE
videolength DOUBLE
encodingrate DOUBLE
downloadbytes BIGINT
downloadinterruptions BIGINT
initialdata DOUBLE
initialrate DOUBLE
initialplaybackbuffer DOUBLE
bufferingduration DOUBLE
playbackduration DOUBLE
bufferdurationatend DOUBLE
timetogetfirstbyte DOUBLE
maxinstantthp DOUBLE
redirecturl TEXT
statuscode BIGINT
CONSTRAINT pk_legacy_row PRIMARY KEY (id)
CONSTRAINT fk_legacy_row_source_id FOREIGN KEY(source_id) REFERENCES legacy_source (id)
)
CREATE INDEX ix_legacy_row_source_id ON legacy_row (source_id)
CREATE UNIQUE INDEX uq_legacy_row_digest ON legacy_row (digest, occurrence)

CREATE TABLE run (
id INTEGER NOT NULL
uuid VARCHAR(36) NOT NULL
vantage_id INTEGER NOT NULL
crawl_id INTEGER
spider TEXT NOT NULL
arguments JSON NOT NULL
settings JSON NOT NULL
software_version TEXT
schema_version TEXT
scrapy_version TEXT
yt_dlp_version TEXT
python_version TEXT
platform TEXT
started_at VARCHAR(32) NOT NULL
ended_at VARCHAR(32)
end_reason TEXT
CONSTRAINT pk_run PRIMARY KEY (id)
CONSTRAINT uq_run_uuid UNIQUE (uuid)
CONSTRAINT fk_run_vantage_id FOREIGN KEY(vantage_id) REFERENCES vantage (id)
CONSTRAINT fk_run_crawl_id FOREIGN KEY(crawl_id) REFERENCES crawl (id)
)
CREATE INDEX ix_run_crawl_id ON run (crawl_id)

CREATE TABLE daily_failure (
daily_id INTEGER NOT NULL
failure TEXT NOT NULL
attribution TEXT NOT NULL
stage TEXT NOT NULL
measurement_count BIGINT NOT NULL
CONSTRAINT pk_daily_failure PRIMARY KEY (daily_id, failure, attribution, stage)
CONSTRAINT fk_daily_failure_daily_id FOREIGN KEY(daily_id) REFERENCES daily (id)
)

CREATE TABLE daily_figure (
daily_id INTEGER NOT NULL
name TEXT NOT NULL
part TEXT NOT NULL
row_count BIGINT NOT NULL
known_count BIGINT NOT NULL
total DOUBLE
low DOUBLE
high DOUBLE
histogram BLOB NOT NULL
CONSTRAINT pk_daily_figure PRIMARY KEY (daily_id, name, part)
CONSTRAINT fk_daily_figure_daily_id FOREIGN KEY(daily_id) REFERENCES daily (id)
)

CREATE TABLE measurement (
id INTEGER NOT NULL
uuid VARCHAR(36) NOT NULL
run_id INTEGER NOT NULL
vantage_id INTEGER NOT NULL
crawl_id INTEGER
pass_number INTEGER NOT NULL
video_row_id INTEGER NOT NULL
is_superseded BOOLEAN NOT NULL
software_version TEXT
schema_version TEXT
started_at VARCHAR(32)
stored_at VARCHAR(32) NOT NULL
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
video_age_s DOUBLE
since_last_measured_s DOUBLE
resolve_elapsed_s DOUBLE
resolve_attempt_count INTEGER
available_wait_s DOUBLE
address_family INTEGER
client_address TEXT
extractor TEXT
client TEXT
resolve_software_version TEXT
player_config JSON
resolve_failure TEXT
resolve_failure_detail TEXT
dns_resolver TEXT
dns_elapsed_s DOUBLE
dns_failure TEXT
dns_failure_detail TEXT
ping_elapsed_s DOUBLE
ping_failure TEXT
ping_failure_detail TEXT
join_time_s DOUBLE
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
run_id INTEGER NOT NULL
updated_at VARCHAR(32) NOT NULL
service TEXT NOT NULL
video_id TEXT NOT NULL
title TEXT
stage TEXT NOT NULL
elapsed_s DOUBLE
window_s DOUBLE
received_bytes BIGINT
CONSTRAINT pk_open_window PRIMARY KEY (run_id)
CONSTRAINT fk_open_window_run_id FOREIGN KEY(run_id) REFERENCES run (id)
)

CREATE TABLE dns_lookup (
id INTEGER NOT NULL
measurement_id INTEGER NOT NULL
host TEXT NOT NULL
resolver TEXT NOT NULL
resolver_address TEXT
transport TEXT
record_type TEXT
t_s DOUBLE
elapsed_s DOUBLE
rcode TEXT
ttl_s BIGINT
cnames JSON
chosen_address TEXT
failure TEXT
failure_detail TEXT
CONSTRAINT pk_dns_lookup PRIMARY KEY (id)
CONSTRAINT fk_dns_lookup_measurement_id FOREIGN KEY(measurement_id) REFERENCES measurement (id)
)
CREATE INDEX ix_dns_lookup_measurement_id ON dns_lookup (measurement_id)

CREATE TABLE download (
id INTEGER NOT NULL
measurement_id INTEGER NOT NULL
place INTEGER NOT NULL
mode TEXT
ended_by TEXT
address_family BIGINT
host TEXT
address TEXT
via_proxy BOOLEAN
is_cross_traffic BOOLEAN
window_s DOUBLE
elapsed_s DOUBLE
connect_s DOUBLE
first_byte_s DOUBLE
active_s DOUBLE
no_demand_s DOUBLE
delivery_bps DOUBLE
delivery_after_2s_bps DOUBLE
bin_min_bps DOUBLE
bin_median_bps DOUBLE
bin_p95_bps DOUBLE
bin_max_bps DOUBLE
cpu_ratio DOUBLE
started_at VARCHAR(32)
tcp_rtt_min_s DOUBLE
tcp_receiver_rtt_median_s DOUBLE
tcp_received_segment_count BIGINT
tcp_out_of_order_count BIGINT
tcp_receive_window_max_bytes BIGINT
loaded_sent_count BIGINT
loaded_received_count BIGINT
loaded_rtt_min_s DOUBLE
loaded_rtt_median_s DOUBLE
loaded_rtt_max_s DOUBLE
loaded_samples BLOB
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
loaded_gateway_rtt_min_s DOUBLE
loaded_gateway_rtt_median_s DOUBLE
loaded_gateway_rtt_max_s DOUBLE
loaded_gateway_samples BLOB
clock_offset_s DOUBLE
clock_offset_error_s DOUBLE
cpu_throttled_s DOUBLE
cpu_steal_ratio DOUBLE
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
measurement_id INTEGER NOT NULL
started_s BIGINT NOT NULL
vantage_id INTEGER NOT NULL
run_id INTEGER NOT NULL
video_row_id INTEGER NOT NULL
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
startup_delay_s DOUBLE
waited_s DOUBLE
stalled_s DOUBLE
played_s DOUBLE
stall_ratio DOUBLE
join_time_s DOUBLE
stall_count INTEGER
stall_1s_count INTEGER
buffer_end_s DOUBLE
initial_buffer_s DOUBLE
initial_rate_bps DOUBLE
mos_stalling_hossfeld2011 DOUBLE
initial_buffer_bytes BIGINT
delivery_bps DOUBLE
delivery_after_2s_bps DOUBLE
throughput_bps DOUBLE
reception_ratio DOUBLE
bitrate_bps DOUBLE
bin_min_bps DOUBLE
bin_median_bps DOUBLE
bin_max_bps DOUBLE
download_s DOUBLE
connect_s DOUBLE
first_byte_s DOUBLE
received_bytes BIGINT
size_bytes BIGINT
service_estimate_bps BIGINT
status INTEGER
height_px INTEGER
video_duration_s DOUBLE
cpu_ratio DOUBLE
is_cross_traffic SMALLINT
rtt_min_s DOUBLE
rtt_avg_s DOUBLE
rtt_max_s DOUBLE
loss_ratio DOUBLE
dns_elapsed_s DOUBLE
resolve_elapsed_s DOUBLE
CONSTRAINT pk_figure PRIMARY KEY (measurement_id)
CONSTRAINT fk_figure_measurement_id FOREIGN KEY(measurement_id) REFERENCES measurement (id)
)
CREATE INDEX ix_figure_changes ON figure (started_s, run_id, client, failure, attribution)
CREATE INDEX ix_figure_run ON figure (run_id, failure)
CREATE INDEX ix_figure_started_s ON figure (started_s)
CREATE INDEX ix_figure_vantage ON figure (vantage_id, measurement_id, failure)

CREATE TABLE network (
measurement_id INTEGER NOT NULL
address TEXT NOT NULL
as_number BIGINT
other_as_numbers JSON
as_prefix TEXT
as_holder TEXT
source TEXT
CONSTRAINT pk_network PRIMARY KEY (measurement_id, address)
CONSTRAINT fk_network_measurement_id FOREIGN KEY(measurement_id) REFERENCES measurement (id)
)

CREATE TABLE ping (
id INTEGER NOT NULL
measurement_id INTEGER NOT NULL
address TEXT NOT NULL
method TEXT
port BIGINT
sent_count BIGINT
received_count BIGINT
loss_ratio DOUBLE
rtt_min_s DOUBLE
rtt_avg_s DOUBLE
rtt_median_s DOUBLE
rtt_max_s DOUBLE
rtt_stddev_s DOUBLE
via_proxy BOOLEAN
failure TEXT
failure_detail TEXT
role TEXT
CONSTRAINT pk_ping PRIMARY KEY (id)
CONSTRAINT fk_ping_measurement_id FOREIGN KEY(measurement_id) REFERENCES measurement (id)
)
CREATE INDEX ix_ping_measurement_id ON ping (measurement_id)

CREATE TABLE playback (
id INTEGER NOT NULL
measurement_id INTEGER NOT NULL
place INTEGER NOT NULL
player TEXT NOT NULL
parameters JSON NOT NULL
is_started BOOLEAN
is_ended BOOLEAN
is_validated BOOLEAN
is_identifiable BOOLEAN
horizon_s DOUBLE
startup_delay_s DOUBLE
stalled_s DOUBLE
stall_ratio DOUBLE
played_s DOUBLE
initial_buffer_s DOUBLE
initial_rate_bps DOUBLE
buffer_end_s DOUBLE
media_received_s DOUBLE
mos_stalling_hossfeld2011 DOUBLE
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
lookup_id INTEGER NOT NULL
place INTEGER NOT NULL
address TEXT NOT NULL
CONSTRAINT pk_dns_address PRIMARY KEY (lookup_id, place)
CONSTRAINT fk_dns_address_lookup_id FOREIGN KEY(lookup_id) REFERENCES dns_lookup (id)
)

CREATE TABLE http_request (
id INTEGER NOT NULL
download_id INTEGER NOT NULL
stream INTEGER NOT NULL
hop INTEGER NOT NULL
host TEXT
port BIGINT
address TEXT
address_family BIGINT
t_s DOUBLE
range_start_bytes BIGINT
range_end_bytes BIGINT
status BIGINT
http_version TEXT
tls_version TEXT
dns_s DOUBLE
connect_s DOUBLE
tls_s DOUBLE
first_byte_s DOUBLE
total_s DOUBLE
received_bytes BIGINT
content_length_bytes BIGINT
content_type TEXT
retry_after_s DOUBLE
failure TEXT
failure_detail TEXT
CONSTRAINT pk_http_request PRIMARY KEY (id)
CONSTRAINT fk_http_request_download_id FOREIGN KEY(download_id) REFERENCES download (id)
)
CREATE INDEX ix_http_request_download_id ON http_request (download_id)

CREATE TABLE playback_event (
id INTEGER NOT NULL
playback_id INTEGER NOT NULL
kind TEXT NOT NULL
start_s DOUBLE
duration_s DOUBLE
is_open BOOLEAN
CONSTRAINT pk_playback_event PRIMARY KEY (id)
CONSTRAINT fk_playback_event_playback_id FOREIGN KEY(playback_id) REFERENCES playback (id)
)
CREATE INDEX ix_playback_event_playback_id ON playback_event (playback_id)

CREATE TABLE stream (
id INTEGER NOT NULL
measurement_id INTEGER NOT NULL
download_id INTEGER
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
frame_rate_fps DOUBLE
declared_bitrate_bps DOUBLE
declared_size_bytes BIGINT
chunk_bytes BIGINT
available_at VARCHAR(32)
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
no_demand JSON
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
file_frame_rate_fps DOUBLE
file_bitrate_bps DOUBLE
file_duration_s DOUBLE
timeline_failure TEXT
timeline_failure_detail TEXT
CONSTRAINT pk_stream PRIMARY KEY (id)
CONSTRAINT uq_stream_measurement_id_place_stream UNIQUE (measurement_id, place, stream)
CONSTRAINT fk_stream_measurement_id FOREIGN KEY(measurement_id) REFERENCES measurement (id)
CONSTRAINT fk_stream_download_id FOREIGN KEY(download_id) REFERENCES download (id)
)
CREATE INDEX ix_stream_download_id ON stream (download_id)

CREATE TABLE tcp_connection (
id INTEGER NOT NULL
download_id INTEGER NOT NULL
stream INTEGER NOT NULL
address TEXT
port BIGINT
local_port BIGINT
rtt_min_s DOUBLE
receiver_rtt_median_s DOUBLE
receiver_rtt_max_s DOUBLE
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
samples BLOB
CONSTRAINT pk_tcp_connection PRIMARY KEY (id)
CONSTRAINT fk_tcp_connection_download_id FOREIGN KEY(download_id) REFERENCES download (id)
)
CREATE INDEX ix_tcp_connection_download_id ON tcp_connection (download_id)

CREATE TABLE arrival_trace (
stream_id INTEGER NOT NULL
point_count BIGINT NOT NULL
points BLOB NOT NULL
CONSTRAINT pk_arrival_trace PRIMARY KEY (stream_id)
CONSTRAINT fk_arrival_trace_stream_id FOREIGN KEY(stream_id) REFERENCES stream (id)
)

CREATE TABLE media_timeline (
stream_id INTEGER NOT NULL
point_count BIGINT NOT NULL
segment_count BIGINT NOT NULL
points BLOB NOT NULL
CONSTRAINT pk_media_timeline PRIMARY KEY (stream_id)
CONSTRAINT fk_media_timeline_stream_id FOREIGN KEY(stream_id) REFERENCES stream (id)
)
