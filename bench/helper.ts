// A process of its own that does one thing: it gets a request, and answers it. What it does must not cost the time of others.
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

type Reply<Answer> = { answer: Answer } | { error: string };

/** The other end of {@link answerRequests}. One request at a time. */
export class Helper<Request extends object, Answer> {
  private readonly child: ChildProcess;

  /** @param program a file of this folder, without `.js` */
  constructor(program: string) {
    this.child = fork(join(__dirname, `${program}.js`));
  }

  async call(request: Request): Promise<Answer> {
    const reply = await new Promise<Reply<Answer>>((resolve, reject) => {
      const ended = () => reject(new Error('a helper has ended'));
      this.child.once('exit', ended);
      this.child.once('message', (message) => {
        this.child.off('exit', ended);
        resolve(message as Reply<Answer>);
      });
      this.child.send(request);
    });
    if ('error' in reply) throw new Error(reply.error);
    return reply.answer;
  }

  stop() {
    this.child.kill();
  }
}

/** Makes this process a helper, which ends with the process that started it. */
export function answerRequests<Request, Answer>(answer: (request: Request) => Promise<Answer>) {
  const reply = (message: Reply<Answer>) => void process.send!(message);
  process.on('message', (request) => {
    answer(request as Request).then(
      (result) => reply({ answer: result }),
      (error: Error) => reply({ error: error.message }),
    );
  });
  process.on('disconnect', () => process.exit());
}
