import NIOCore

/// Runs tasks on the thread of an event loop, so that a request needn't change threads between the
/// socket and whoever carries it out: each change takes as long as a good part of an edit.
///
/// What runs there keeps all others of the loop waiting, so it must be brief; see `Request.isBrief`.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
