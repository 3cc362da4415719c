// Streams are queues of work that runs when somebody waits for it, so that a result looked at too early is not there yet. A stream that
// records a graph collects work instead; what the rules of stream capture forbid breaks the recording, which its end then tells.
#include "emulator.h"
#include <algorithm>
#include <chrono>

Context primary;
std::map<std::string, long> launchCounts;
long launchTotal;

static double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

static std::vector<std::weak_ptr<Capture>> captures;

static CUresult breakCapture(Capture& capture, CUresult code, const char* why) {
    capture.broken = true;
    return explain(code, "%s", why);
}

CUresult enqueue(Stream* stream, Work work) {
    if (!stream->capture) {
        stream->queue.push_back(std::move(work));
        return CUDA_SUCCESS;
    }
    if (stream->capture->broken) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    stream->capture->graph->nodes.push_back(std::move(work));
    stream->captured++;
    return CUDA_SUCCESS;
}

bool anyCapture() {
    return std::any_of(captures.begin(), captures.end(), [](const auto& weak) { auto capture = weak.lock(); return capture && !capture->ended; });
}

// A recording of global mode forbids such calls to all threads, one of thread-local mode to its own, one of relaxed mode to none.
CUresult refuseInStrictCapture(const char* call) {
    enum { Global = 0, ThreadLocal = 1 };
    for (const auto& weak : captures) {
        auto capture = weak.lock();
        bool forbids = capture && !capture->ended && (capture->mode == Global || (capture->mode == ThreadLocal && capture->thread == std::this_thread::get_id()));
        if (forbids) return breakCapture(*capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, (std::string(call) + " while a stream records a graph in a mode that is not relaxed").c_str());
    }
    return CUDA_SUCCESS;
}

// A call that may wait for all of the context, which nobody may while a stream of it records. Of cuMemFree, which is known to wait, it is not
// documented whether this holds in relaxed mode, too: this driver takes it that it does.
CUresult refuseInCapture(const char* call) {
    for (const auto& weak : captures) {
        auto capture = weak.lock();
        if (capture && !capture->ended) return breakCapture(*capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, (std::string(call) + " while a stream records a graph").c_str());
    }
    return CUDA_SUCCESS;
}

// Up to CUDA 12.2 code cannot be brought to the GPU while a stream records; from 12.3 on it can.
CUresult loadBreaksCaptures(const char* what) { return settings.driverVersion < 12030 ? refuseInCapture(what) : CUDA_SUCCESS; }

static CUresult runOne(Stream* stream) {
    Work work = std::move(stream->queue.front());
    stream->queue.pop_front();
    CUresult result = work();
    if (result != CUDA_SUCCESS && primary.lost == CUDA_SUCCESS) {
        primary.lost = result;
        for (Stream* s : primary.streams) s->queue.clear();
    }
    return result;
}

CUresult drain(Stream* stream) {
    while (!stream->queue.empty()) {
        if (CUresult result = runOne(stream)) return result;
    }
    return primary.lost;
}

CUresult drainAll() {
    for (Stream* stream : primary.streams) {
        if (CUresult result = drain(stream)) return result;
    }
    return primary.lost;
}

CUresult reach(const std::shared_ptr<Marker>& marker) {
    while (!marker->reached && !marker->stream->queue.empty()) {
        if (CUresult result = runOne(marker->stream)) return result;
    }
    return primary.lost;
}

Stream* streamOf(void* handle) {
    auto* stream = (Stream*)handle;
    return primary.streams.count(stream) ? stream : nullptr;
}

EXPORT CUresult cuStreamCreate(void** result, unsigned) {
    ENTER();
    if (allocationFails()) return explain(CUDA_ERROR_OUT_OF_MEMORY, "as ordered");
    auto* stream = new Stream;
    primary.streams.insert(stream);
    *result = stream;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamDestroy_v2(void* handle) {
    ENTER_TO_DESTROY();
    STREAM(handle);
    if (stream->capture) stream->capture->broken = true;
    drain(stream);
    primary.streams.erase(stream);
    delete stream;
    return primary.lost;
}

EXPORT CUresult cuStreamSynchronize(void* handle) {
    ENTER();
    STREAM(handle);
    if (stream->capture) return breakCapture(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "cuStreamSynchronize of a stream that records a graph");
    return drain(stream);
}

#define EVENT(handle) \
    auto* event = (Event*)handle; \
    if (!primary.events.count(event)) return explain(CUDA_ERROR_INVALID_HANDLE, "not an event of this context")

EXPORT CUresult cuStreamWaitEvent(void* handle, void* eventHandle, unsigned) {
    ENTER();
    STREAM(handle);
    EVENT(eventHandle);
    auto marker = event->marker;
    if (!marker) return CUDA_SUCCESS;
    if (!marker->capture) {
        if (stream->capture) return breakCapture(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "a stream that records waits for work outside of the recording");
        return enqueue(stream, [marker] { return reach(marker); });
    }
    if (marker->capture->ended) return explain(CUDA_ERROR_CAPTURED_EVENT, "the event was recorded in a recording that has ended");
    if (!stream->capture) {
        stream->capture = marker->capture;          // the fork joins the recording; nodes keep the order of the calls
        stream->captured = stream->joined = 0;
    } else if (stream->capture != marker->capture) {
        return breakCapture(*stream->capture, CUDA_ERROR_STREAM_CAPTURE_MERGE, "a stream that records waits for another recording");
    }
    if (marker->stream != stream) marker->stream->joined = std::max(marker->stream->joined, marker->captured);
    return stream->capture->broken ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
}

// ---- events

EXPORT CUresult cuEventCreate(void** result, unsigned flags) {
    ENTER();
    constexpr unsigned DisableTiming = 2;
    if (allocationFails()) return explain(CUDA_ERROR_OUT_OF_MEMORY, "as ordered");
    auto* event = new Event{(flags & DisableTiming) == 0, nullptr};
    primary.events.insert(event);
    *result = event;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventDestroy_v2(void* handle) {
    ENTER_TO_DESTROY();
    EVENT(handle);
    primary.events.erase(event);
    delete event;
    return primary.lost;
}

EXPORT CUresult cuEventRecord(void* handle, void* streamHandle) {
    ENTER();
    EVENT(handle);
    STREAM(streamHandle);
    if (stream->capture && stream->capture->broken) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    auto marker = std::make_shared<Marker>(Marker{stream, stream->capture, stream->captured});
    event->marker = marker;
    if (stream->capture) return CUDA_SUCCESS;       // a place in the recording, for others to wait for: no node of the graph
    return enqueue(stream, [marker] {
        marker->reached = true;
        marker->seconds = now();
        return CUDA_SUCCESS;
    });
}

// Nobody may ask for the state of what was last recorded in a stream that records a graph: it has none, then or later.
static CUresult refuseCaptured(const Event* event, const char* call) {
    if (!event->marker || !event->marker->capture) return CUDA_SUCCESS;
    return breakCapture(*event->marker->capture, CUDA_ERROR_CAPTURED_EVENT, call);
}

EXPORT CUresult cuEventSynchronize(void* handle) {
    ENTER();
    EVENT(handle);
    if (CUresult result = refuseCaptured(event, __func__)) return result;
    return event->marker ? reach(event->marker) : CUDA_SUCCESS;
}

EXPORT CUresult cuEventElapsedTime(float* milliseconds, void* start, void* end) {
    ENTER();
    for (void* handle : {start, end}) {
        EVENT(handle);
        if (!event->timing) return explain(CUDA_ERROR_INVALID_HANDLE, "an event was made without timing");
        if (!event->marker) return explain(CUDA_ERROR_INVALID_HANDLE, "an event was never recorded");
        if (CUresult result = refuseCaptured(event, __func__)) return result;
    }
    auto &a = ((Event*)start)->marker, &b = ((Event*)end)->marker;
    if (!a->reached || !b->reached) return CUDA_ERROR_NOT_READY;
    *milliseconds = float((b->seconds - a->seconds) * 1000);
    return CUDA_SUCCESS;
}

// ---- graphs

EXPORT CUresult cuStreamBeginCapture_v2(void* handle, int mode) {
    ENTER();
    STREAM(handle);
    if (mode < 0 || mode > 2) return explain(CUDA_ERROR_INVALID_VALUE, "%d is no mode of capture", mode);
    if (stream->capture) return explain(CUDA_ERROR_ILLEGAL_STATE, "the stream already records a graph");
    auto* graph = new Graph;
    primary.graphs.insert(graph);
    stream->capture = std::make_shared<Capture>(Capture{graph, stream, mode, std::this_thread::get_id()});
    stream->captured = stream->joined = 0;
    std::erase_if(captures, [](const auto& capture) { return capture.expired(); });
    captures.push_back(stream->capture);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamEndCapture(void* handle, void** result) {
    ENTER();
    STREAM(handle);
    *result = nullptr;
    auto capture = stream->capture;
    if (!capture) return explain(CUDA_ERROR_ILLEGAL_STATE, "no recording was begun in this stream");
    if (capture->origin != stream) return breakCapture(*capture, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "the recording was begun in another stream");
    constexpr int Relaxed = 2;
    if (capture->mode != Relaxed && capture->thread != std::this_thread::get_id()) return explain(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "the recording was begun by another thread");
    bool joined = true;
    for (Stream* s : primary.streams) {
        if (s->capture != capture) continue;
        joined &= s == stream || s->joined == s->captured;
        s->capture = nullptr;
    }
    capture->ended = true;
    if (capture->broken || !joined) {
        primary.graphs.erase(capture->graph);
        delete capture->graph;
        return capture->broken ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : explain(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "a stream that took part was not waited for");
    }
    *result = capture->graph;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphGetNodes(void* graph, void**, size_t* count) {
    ENTER();
    if (!primary.graphs.count((Graph*)graph)) return CUDA_ERROR_INVALID_HANDLE;
    *count = ((Graph*)graph)->nodes.size();
    return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphInstantiateWithFlags(void** result, void* graph, unsigned long long flags) {
    ENTER();
    UNSEEN_BY_CAPTURES();
    if (!primary.graphs.count((Graph*)graph)) return CUDA_ERROR_INVALID_HANDLE;
    if (flags) return explain(CUDA_ERROR_INVALID_VALUE, "flags of a graph are not emulated");
    if (allocationFails()) return explain(CUDA_ERROR_OUT_OF_MEMORY, "as ordered");
    auto* executable = new Graph(*(Graph*)graph);
    primary.executables.insert(executable);
    *result = executable;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphLaunch(void* handle, void* streamHandle) {
    ENTER();
    STREAM(streamHandle);
    auto* executable = (Graph*)handle;
    if (!primary.executables.count(executable)) return explain(CUDA_ERROR_INVALID_HANDLE, "not an instantiated graph");
    return enqueue(stream, [nodes = executable->nodes] {
        for (const Work& node : nodes) {
            if (CUresult result = node()) return result;
        }
        return CUDA_SUCCESS;
    });
}

EXPORT CUresult cuGraphExecDestroy(void* handle) {
    ENTER_TO_DESTROY();
    if (!primary.executables.erase((Graph*)handle)) return CUDA_ERROR_INVALID_HANDLE;
    delete (Graph*)handle;
    return primary.lost;
}

EXPORT CUresult cuGraphDestroy(void* handle) {
    ENTER_TO_DESTROY();
    if (!primary.graphs.erase((Graph*)handle)) return CUDA_ERROR_INVALID_HANDLE;
    delete (Graph*)handle;
    return primary.lost;
}
