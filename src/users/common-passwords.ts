import { Injectable } from '@nestjs/common';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { alike } from './guessable';

const FILE = join(__dirname, '..', '..', 'data', 'common-passwords.txt');

/** The passwords that people use most, and attackers try first. The file says where they come from. */
@Injectable()
export class CommonPasswords {
  private lines: Promise<Buffer> | undefined;

  /** Whether a password is one of them, as a whole and however it is capitalized. */
  async include(password: string): Promise<boolean> {
    return (await this.read()).includes(`\n${alike(password)}\n`);
  }

  /** At the first need, and kept as bytes: fifty thousand strings would take many times the memory. */
  private read(): Promise<Buffer> {
    this.lines ??= readFile(FILE).catch((error: unknown) => {
      // No file handle was left, for one: the next need reads again.
      this.lines = undefined;
      throw error;
    });
    return this.lines;
  }
}
