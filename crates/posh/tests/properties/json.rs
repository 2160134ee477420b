//! A plain reader of JSON (RFC 8259), slow and literal. Nothing in it is shared with the library.

/// A value as it stands in the text: members that stand there twice are there twice.
#[derive(Clone, Debug)]
pub(crate) enum Json {
    Word,
    Number(String),
    Text(Text),
    List(Vec<Self>),
    Object(Vec<(Text, Self)>),
}

/// A string; `None` if an escape in it stands for half a surrogate pair.
pub(crate) type Text = Option<String>;

/// Reads a whole text.
pub(crate) fn read(json: &[u8]) -> Option<Json> {
    let text: Vec<char> = std::str::from_utf8(json).ok()?.chars().collect();
    let mut reader = Reader { text, position: 0 };
    reader.space();
    let value = reader.value()?;
    reader.space();
    (reader.position == reader.text.len()).then_some(value)
}

struct Reader {
    text: Vec<char>,
    position: usize,
}

impl Reader {
    fn value(&mut self) -> Option<Json> {
        match self.peek()? {
            '{' => self.object(),
            '[' => self.list(),
            '"' => Some(Json::Text(self.string()?)),
            '-' | '0'..='9' => self.number(),
            _ => ["null", "true", "false"].iter().any(|word| self.word(word)).then_some(Json::Word),
        }
    }

    fn object(&mut self) -> Option<Json> {
        let mut members = Vec::new();
        self.enclosed('{', '}', |reader| {
            let name = reader.string()?;
            reader.space();
            reader.take(':')?;
            reader.space();
            members.push((name, reader.value()?));
            Some(())
        })?;
        Some(Json::Object(members))
    }

    fn list(&mut self) -> Option<Json> {
        let mut values = Vec::new();
        self.enclosed('[', ']', |reader| {
            values.push(reader.value()?);
            Some(())
        })?;
        Some(Json::List(values))
    }

    fn enclosed(
        &mut self,
        open: char,
        close: char,
        mut item: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(open)?;
        self.space();
        if self.take(close).is_some() {
            return Some(());
        }
        loop {
            self.space();
            item(self)?;
            self.space();
            if self.take(',').is_none() {
                return self.take(close);
            }
        }
    }

    fn string(&mut self) -> Option<Text> {
        self.take('"')?;
        let mut units = Vec::<u16>::new();
        loop {
            match self.next()? {
                '"' => return Some(String::from_utf16(&units).ok()),
                '\\' => units.push(self.escape()?),
                character if character < ' ' => return None,
                character => units.extend(character.encode_utf16(&mut [0; 2]).iter()),
            }
        }
    }

    fn escape(&mut self) -> Option<u16> {
        Some(match self.next()? {
            character @ ('"' | '\\' | '/') => character as u16,
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'u' => {
                let mut unit = 0;
                for _ in 0..4 {
                    unit = unit * 16 + u16::try_from(self.next()?.to_digit(16)?).ok()?;
                }
                unit
            }
            _ => return None,
        })
    }

    fn number(&mut self) -> Option<Json> {
        let start = self.position;
        let _ = self.take('-');
        if self.take('0').is_none() {
            self.digits()?;
        }
        if self.take('.').is_some() {
            self.digits()?;
        }
        if self.take('e').or_else(|| self.take('E')).is_some() {
            let _ = self.take('-').or_else(|| self.take('+'));
            self.digits()?;
        }
        Some(Json::Number(self.text[start..self.position].iter().collect()))
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.position;
        while self.peek().is_some_and(|character| character.is_ascii_digit()) {
            self.position += 1;
        }
        (self.position > start).then_some(())
    }

    fn word(&mut self, word: &str) -> bool {
        let is_next = self.text[self.position..].iter().copied().take(word.len()).eq(word.chars());
        if is_next {
            self.position += word.len();
        }
        is_next
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.position += 1;
        }
    }

    fn take(&mut self, wanted: char) -> Option<()> {
        (self.peek()? == wanted).then(|| self.position += 1)
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.position += 1;
        Some(next)
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.position).copied()
    }
}
