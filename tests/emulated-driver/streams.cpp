// Streams are queues of work that runs when somebody waits for it, so that a result looked at too early is not there yet. A stream that
// records a graph collects work instead.
#include "emulator.h"
#include <chrono>

Context primary;
std::map<std::string, long> launchCounts;
long launchTotal;

static double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

CUresult enqueue(Stream* stream, Work work) {
    if (stream->capture) stream->capture->nodes.push_back(std::move(work));
    else stream->queue.push_back(std::move(work));
    return CUDA_SUCCESS;
}

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
    std::lock_guard<std::recursive_mutex> guard(driverLock());
    STREAM(handle);
    drain(stream);
    primary.streams.erase(stream);
    delete stream;
    return primary.lost;
}

static CUresult refuseInCapture(Stream* stream, const char* what) {
    stream->captureBroken = true;
    return explain(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "%s while the stream records a graph", what);
}

EXPORT CUresult cuStreamSynchronize(void* handle) {
    ENTER();
    STREAM(handle);
    return stream->capture ? refuseInCapture(stream, "cuStreamSynchronize") : drain(stream);
}

EXPORT CUresult cuStreamWaitEvent(void* handle, void* eventHandle, unsigned) {
    ENTER();
    STREAM(handle);
    auto* event = (Event*)eventHandle;
    if (!primary.events.count(event)) return explain(CUDA_ERROR_INVALID_HANDLE, "not an event of this context");
    auto marker = event->marker;
    if (!marker) return CUDA_SUCCESS;
    if (marker->capture) {
        stream->capture = marker->capture;          // the fork joins the recording; nodes keep the order of the calls
        return CUDA_SUCCESS;
    }
    return enqueue(stream, [marker] { return reach(marker); });
}

// ---- events

EXPORT CUresult cuEventCreate(void** result, unsigned) {
    ENTER();
    if (allocationFails()) return explain(CUDA_ERROR_OUT_OF_MEMORY, "as ordered");
    auto* event = new Event;
    primary.events.insert(event);
    *result = event;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventDestroy_v2(void* handle) {
    std::lock_guard<std::recursive_mutex> guard(driverLock());
    if (!primary.events.erase((Event*)handle)) return explain(CUDA_ERROR_INVALID_HANDLE, "not an event of this context");
    delete (Event*)handle;
    return primary.lost;
}

#define EVENT(handle) \
    auto* event = (Event*)handle; \
    if (!primary.events.count(event)) return explain(CUDA_ERROR_INVALID_HANDLE, "not an event of this context")

EXPORT CUresult cuEventRecord(void* handle, void* streamHandle) {
    ENTER();
    EVENT(handle);
    STREAM(streamHandle);
    auto marker = std::make_shared<Marker>(Marker{stream, stream->capture});
    event->marker = marker;
    return enqueue(stream, [marker] {
        marker->reached = true;
        marker->seconds = now();
        return CUDA_SUCCESS;
    });
}

EXPORT CUresult cuEventSynchronize(void* handle) {
    ENTER();
    EVENT(handle);
    if (event->marker && event->marker->capture) return refuseInCapture(event->marker->stream, "cuEventSynchronize of an event recorded");
    return event->marker ? reach(event->marker) : CUDA_SUCCESS;
}

EXPORT CUresult cuEventQuery(void* handle) {
    ENTER();
    EVENT(handle);
    if (!event->marker || event->marker->reached) return CUDA_SUCCESS;
    if (!event->marker->stream->queue.empty()) {
        if (CUresult result = runOne(event->marker->stream)) return result;
    }
    return event->marker->reached ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

EXPORT CUresult cuEventElapsedTime(float* milliseconds, void* start, void* end) {
    ENTER();
    auto &a = ((Event*)start)->marker, &b = ((Event*)end)->marker;
    if (!a || !b) return explain(CUDA_ERROR_INVALID_HANDLE, "an event was never recorded");
    if (!a->reached || !b->reached) return CUDA_ERROR_NOT_READY;
    *milliseconds = float((b->seconds - a->seconds) * 1000);
    return CUDA_SUCCESS;
}

// ---- graphs

EXPORT CUresult cuStreamBeginCapture_v2(void* handle, int) {
    ENTER();
    STREAM(handle);
    if (stream->capture) return explain(CUDA_ERROR_INVALID_VALUE, "the stream already records a graph");
    stream->capture = new Graph;
    stream->captureOrigin = true;
    stream->captureBroken = false;
    primary.graphs.insert(stream->capture);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamEndCapture(void* handle, void** result) {
    ENTER();
    STREAM(handle);
    *result = nullptr;
    if (!stream->capture || !stream->captureOrigin) return explain(CUDA_ERROR_INVALID_VALUE, "no recording was begun in this stream");
    Graph* graph = stream->capture;
    bool broken = stream->captureBroken;
    for (Stream* s : primary.streams) {
        if (s->capture == graph) s->capture = nullptr;
    }
    stream->captureOrigin = false;
    if (broken) {
        primary.graphs.erase(graph);
        delete graph;
        return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    }
    *result = graph;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamIsCapturing(void* handle, int* status) {
    ENTER();
    STREAM(handle);
    *status = stream->capture ? (stream->captureBroken ? 2 : 1) : 0;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphGetNodes(void* graph, void**, size_t* count) {
    ENTER();
    if (!primary.graphs.count((Graph*)graph)) return CUDA_ERROR_INVALID_HANDLE;
    *count = ((Graph*)graph)->nodes.size();
    return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphInstantiateWithFlags(void** result, void* graph, unsigned long long) {
    ENTER();
    if (!primary.graphs.count((Graph*)graph)) return CUDA_ERROR_INVALID_HANDLE;
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
    std::lock_guard<std::recursive_mutex> guard(driverLock());
    if (!primary.executables.erase((Graph*)handle)) return CUDA_ERROR_INVALID_HANDLE;
    delete (Graph*)handle;
    return primary.lost;
}

EXPORT CUresult cuGraphDestroy(void* handle) {
    std::lock_guard<std::recursive_mutex> guard(driverLock());
    if (!primary.graphs.erase((Graph*)handle)) return CUDA_ERROR_INVALID_HANDLE;
    delete (Graph*)handle;
    return primary.lost;
}
