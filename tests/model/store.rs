//! What the store does.

use crate::calls::{Answer, Call};
use crate::protocol::Rules;
use crate::state::{Held, Key};

impl Held {
    pub(crate) fn ask_store(&mut self, call: Call, rules: Rules) -> Answer {
        match call {
            Call::Put(key) => {
                self.create(key, rules);
                Answer::Done
            }
            Call::BeginDirect(key) => {
                self.begun.insert(key, false);
                Answer::Done
            }
            Call::TakePart(key) => match self.begun.get_mut(&key) {
                Some(all) => {
                    *all = true;
                    Answer::Done
                }
                None => Answer::NotFound,
            },
            Call::Arrived(key) => self.begun.get(&key).map_or(Answer::NotFound, |all| Answer::Is(*all)),
            Call::Assemble(key) => match self.begun.remove(&key) {
                Some(_) => {
                    self.create(key, rules);
                    Answer::Done
                }
                None if self.objects.contains(&key) => Answer::Done,
                None => Answer::NotFound,
            },
            Call::Size(key) => {
                if self.objects.contains(&key) {
                    Answer::Done
                } else {
                    Answer::NotFound
                }
            }
            Call::Remove(key) => {
                self.objects.remove(&key);
                self.begun.remove(&key);
                Answer::Done
            }
            _ => Answer::Failed,
        }
    }

    fn create(&mut self, key: Key, rules: Rules) {
        self.objects.insert(key);
        if rules.tells {
            self.events.entry(key).or_default().untold += 1;
        }
    }
}
