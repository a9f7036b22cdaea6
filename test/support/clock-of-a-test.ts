import type { TestApp } from './test-app';

/** Moves the clock of a server that several tests share: it goes back after each of them. @returns what moves it on */
export function clockOfATest(server: () => TestApp): (seconds: number) => void {
  let moved = 0;
  afterEach(() => {
    server().clock.advance(-moved);
    moved = 0;
  });
  return (seconds) => {
    moved += seconds;
    server().clock.advance(seconds);
  };
}
