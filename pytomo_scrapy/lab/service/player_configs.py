"""What a player answer declares of the service's own player, by client.

Source: `playerConfig` in the recorded answers of the clients VISIONOS and ANDROID.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_AUDIO: Json = {"loudnessDb": -7.1, "perceptualLoudnessDb": -21.1, "enablePerFormatLoudness": True}


def player_config(client_name: str) -> Json:
    """Return the `playerConfig` of an answer to this client; what is not Android is answered as visionOS."""
    if client_name == "ANDROID":
        return {
            "audioConfig": _AUDIO,
            "exoPlayerConfig": _EXO_PLAYER,
            "networkProtocolConfig": {"useQuic": True},
            "mediaCommonConfig": _ANDROID_MEDIA,
        }
    predictor = {"maxBufferReadaheadMs": 15000, "minBufferReadaheadMs": 1500, "bandwidthTweakScalar": 0.95}
    return {
        "audioConfig": _AUDIO,
        "hamplayerConfig": {"stallPredictor": {"hamplayerDefaultStallPredictorConfig": predictor}},
        "mediaCommonConfig": _VISIONOS_MEDIA,
    }


def _start_at(readahead_ms: int) -> Json:
    policy = {"startMinReadaheadPolicy": [{"minReadaheadMs": readahead_ms}]}
    return {"enable": True, "playbackStartPolicy": policy}


def _nearest_rank(window: int, percentile: float, scalar: float) -> Json:
    return {"nearestRankConfig": {"slidingWindowSize": window, "percentile": percentile, "scalar": scalar}}


_EXO_PLAYER: Json = {
    "useExoPlayer": True,
    "lowWatermarkMs": 15000,
    "highWatermarkMs": 30000,
    "numAudioSegmentsPerFetch": 1,
    "numVideoSegmentsPerFetch": 2,
    "minDurationForPlaybackStartMs": 1600,
    "minDurationForPlaybackRestartMs": 5000,
}
_COMMON_MEDIA: Json = {
    "mediaFetchRetryConfig": {
        "initialDelayMs": 1000,
        "backoffFactor": 1.3,
        "maximumDelayMs": 20000,
        "jitterFactor": 0.1,
    },
    "serverReadaheadConfig": {
        "nextRequestPolicy": {"targetAudioReadaheadMs": 120000, "targetVideoReadaheadMs": 120000}
    },
    "useServerDrivenAbr": True,
    "sabrClientConfig": {
        "defaultBackOffTimeMs": 0,
        "enableHostFallback": True,
        "primaryProbingDelayMs": 5000,
        "maxFailureAttemptsBeforeFallback": 2,
    },
    "usePlatypus": True,
    "platypusUseEnvoyNetFetch": False,
    "fixLivePlaybackModelDefaultPosition": True,
}
_VISIONOS_MEDIA: Json = {
    "dynamicReadaheadConfig": {
        "maxReadAheadMediaTimeMs": 60000,
        "minReadAheadMediaTimeMs": 15000,
        "readAheadGrowthRateMs": 1000,
    },
    "mediaUstreamerRequestConfig": {"videoPlaybackUseUmp": True, "videoPlaybackUstreamerConfig": "TGFi"},
    **_COMMON_MEDIA,
    "serverPlaybackStartConfig": _start_at(1500),
    "enableServerDrivenRequestCancellation": True,
    "bandwidthEstimationConfig": _nearest_rank(0, 0, 0),
    "disableNonPlatypusSabr": True,
}
_ANDROID_MEDIA: Json = {
    "dynamicReadaheadConfig": {
        "maxReadAheadMediaTimeMs": 160000,
        "minReadAheadMediaTimeMs": 15000,
        "readAheadGrowthRateMs": 300,
        "readAheadWatermarkMarginRatio": 0,
        "minReadAheadWatermarkMarginMs": 0,
        "maxReadAheadWatermarkMarginMs": 0,
        "shouldIncorporateNetworkActiveState": False,
    },
    "mediaUstreamerRequestConfig": {
        "enableVideoPlaybackRequest": True,
        "videoPlaybackUstreamerConfig": "TGFi",
        "videoPlaybackPostEmptyBody": False,
        "isVideoPlaybackRequestIdempotent": True,
    },
    "predictedReadaheadConfig": {"minReadaheadMs": 5000, "maxReadaheadMs": 157000},
    **_COMMON_MEDIA,
    "mediaFetchMaximumServerErrors": 10,
    "mediaFetchMaximumNetworkErrors": -1,
    "mediaFetchMaximumErrors": 10,
    "serverPlaybackStartConfig": _start_at(1600),
    "mediaCacheConfig": {"cacheLoadPolicy": {"readaheadThresholdMs": 15000}},
    "bandwidthEstimationConfig": _nearest_rank(12, 0.25, 0.91),
}
