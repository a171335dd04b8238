// The story of case.json told through the Kotlin bindings on the JVM.
//
//     tests/setup/kotlin.sh target/bindings/kotlin LIBRARY tests/bindings/Story.kt CASE OFFICE ROOT CODE_A CODE_B FOLDER FOUND
//
// The app's part is played here: a clock the story sets, the JVM's chance, a key of java.security. Enrolling and
// syncing go over the core's own driver. JSON is read and compared as maps and lists; what every call found goes into
// the last file, for who compares it with the other shores.

import java.io.File
import java.security.KeyPairGenerator
import java.security.SecureRandom
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import uniffi.louan_facade.*
import uniffi.louan_mobile_ffi.*

const val NOBODY = "https://127.0.0.1:9"

class App : DeviceHost {
    var now = 0L
    private val pair = KeyPairGenerator.getInstance("EC").run { initialize(ECGenParameterSpec("secp256r1")); generateKeyPair() }

    override fun nowMs() = now
    override fun random(count: UInt) = ByteArray(count.toInt()).also { SecureRandom().nextBytes(it) }
    override fun sign(digest: ByteArray): ByteArray = Signature.getInstance("SHA256withECDSAinP1363Format").run {
        initSign(pair.private); update(digest); sign()
    }

    override fun publicKey(): ByteArray {
        val point = (pair.public as ECPublicKey).w
        return byteArrayOf(4) + fixed(point.affineX) + fixed(point.affineY)
    }

    private fun fixed(n: java.math.BigInteger): ByteArray {
        val bytes = n.toByteArray().let { if (it.size > 32) it.copyOfRange(it.size - 32, it.size) else it }
        return ByteArray(32 - bytes.size) + bytes
    }
}

class Phone(private val path: String, private val root: ByteArray, private val code: String) {
    val app = App()
    private var session: SessionRow? = null
    lateinit var louan: Louan

    fun open() { louan = Louan.open(path, app) }
    fun reopen() { louan.close(); open() }
    fun enrol(office: String) = over(office) { louan.enrolByCode(it, code) }
    fun sync(office: String) = over(office) { louan.syncNative(it) }

    private fun <T> over(url: String, act: (Office) -> T): T = Office.open(url, listOf(root), session).use {
        try { act(it) } finally { session = it.session() }
    }
}

// --- JSON as Kotlin has it: maps, lists, texts, longs, booleans, null -----------------------------------------

class Json(private val text: String) {
    private var at = 0
    fun read(): Any? = value().also { blank(); require(at == text.length) { "more than one value" } }

    private fun blank() { while (at < text.length && text[at].isWhitespace()) at++ }
    private fun taken(c: Char): Boolean { blank(); return (text[at] == c).also { if (it) at++ } }
    private fun take(c: Char) = require(taken(c)) { "no $c at $at" }
    private fun word(w: String, value: Any?): Any? { require(text.startsWith(w, at)); at += w.length; return value }

    private fun value(): Any? {
        blank()
        return when (text[at]) {
            '{' -> obj()
            '[' -> list()
            '"' -> string()
            't' -> word("true", true)
            'f' -> word("false", false)
            'n' -> word("null", null)
            else -> Regex("-?\\d+").matchAt(text, at)!!.value.let { at += it.length; it.toLong() }
        }
    }

    private fun obj(): Map<String, Any?> {
        val out = LinkedHashMap<String, Any?>()
        take('{')
        if (taken('}')) return out
        do { blank(); val name = string(); take(':'); out[name] = value() } while (taken(','))
        take('}')
        return out
    }

    private fun list(): List<Any?> {
        val out = ArrayList<Any?>()
        take('[')
        if (taken(']')) return out
        do { out.add(value()) } while (taken(','))
        take(']')
        return out
    }

    private fun string(): String {
        val out = StringBuilder()
        take('"')
        while (text[at] != '"') {
            if (text[at] != '\\') { out.append(text[at++]); continue }
            when (val c = text[at + 1]) {
                'n' -> out.append('\n')
                'u' -> { out.append(text.substring(at + 2, at + 6).toInt(16).toChar()); at += 4 }
                else -> out.append(c)
            }
            at += 2
        }
        at++
        return out.toString()
    }
}

/** JSON of what [plain] makes. */
fun json(value: Any?): String = when (value) {
    is String -> value.map { if (it == '"' || it == '\\' || it < ' ') "\\u%04x".format(it.code) else it.toString() }
        .joinToString("", "\"", "\"")
    is List<*> -> value.joinToString(",", "[", "]", transform = ::json)
    is Map<*, *> -> value.entries.joinToString(",", "{", "}") { (name, each) -> "${json(name)}:${json(each)}" }
    else -> value.toString()
}

fun snake(name: String) = name.replace(Regex("[A-Z]")) { "_" + it.value.lowercase() }.trimStart('_')

/** A record of the bindings as JSON has it. */
fun plain(value: Any?): Any? = when (value) {
    null, is String, is Boolean, is Long -> value
    is Byte, is Short, is Int -> (value as Number).toLong()
    is UByte, is UShort, is UInt, is ULong -> value.toString().toLong()
    is List<*> -> value.map(::plain)
    is Unit -> null
    else -> value.javaClass.declaredFields.filter { !java.lang.reflect.Modifier.isStatic(it.modifiers) }.associate {
        it.isAccessible = true
        snake(it.name) to plain(it.get(value))
    }
}

// --- drafts from JSON -----------------------------------------------------------------------------------------

class Fields(private val map: Map<*, *>) {
    fun text(name: String) = map[name] as String
    fun maybe(name: String) = map[name] as String?
    fun texts(name: String) = (map[name] as List<*>).map { it as String }
    fun flag(name: String) = map[name] as Boolean
    fun ms(name: String) = map[name] as Long
    fun number(name: String) = map[name] as Long?
    fun inner(name: String) = Fields(map[name] as Map<*, *>)

    fun answer() = AnswerDraft(
        text("item"), text("outcome"), number("place")?.toUByte(), maybe("floor"), null, maybe("reason"), maybe("note"),
        number("measure_milli"), texts("photos"),
    )

    fun hazard() = HazardDraft(
        text("code"), texts("buildings"), flag("shared"), maybe("floor"), maybe("spot"), text("text"), ms("found_at_ms"),
        text("method"), text("severity"), maybe("round"), number("count")?.toUInt(), flag("fixed_on_the_spot"), texts("photos"),
    )

    fun stop() = StopDraft(
        text("hazard"), number("stopped_at_ms"), number("reported_at_ms"), maybe("reported_to"), text("text"), texts("photos"),
    )

    fun fix() = FixDraft(
        text("hazard"), ms("fixed_at_ms"), text("fixed_by"), text("measures"), number("cost_fen")?.toULong(), texts("photos"),
    )

    fun recheck() = RecheckDraft(
        text("hazard"), ms("checked_at_ms"), text("checked_by"), flag("passed"), text("text"), texts("photos"),
    )

    fun correction(): CorrectionDraft = when (text("kind")) {
        "hazard" -> CorrectionDraft.Hazard(inner("draft").hazard())
        "stop_report" -> CorrectionDraft.StopReport(inner("draft").stop())
        "fix" -> CorrectionDraft.Fix(inner("draft").fix())
        else -> CorrectionDraft.Recheck(inner("draft").recheck())
    }

    fun filter(): HazardFilter = when (text("which")) {
        "all" -> HazardFilter.All
        "open" -> HazardFilter.Open
        "overdue" -> HazardFilter.Overdue
        "in_state" -> HazardFilter.InState(text("state"))
        "at_site" -> HazardFilter.AtSite(text("site"))
        else -> HazardFilter.AtBuilding(text("building"))
    }
}

// --- expectations ---------------------------------------------------------------------------------------------

fun at(pointer: String, value: Any?): Any? = pointer.split("/").drop(1).fold(value) { found, part ->
    if (found is List<*>) found[part.toInt()] else (found as Map<*, *>)[part]
}

fun filled(value: Any?, names: Map<String, Any?>): Any? = when {
    value is String && value.startsWith("$") -> value.drop(1).let {
        at(it.removePrefix(it.substringBefore('/')), names.getValue(it.substringBefore('/')))
    }
    value is List<*> -> value.map { filled(it, names) }
    value is Map<*, *> -> value.mapValues { filled(it.value, names) }
    else -> value
}

fun fits(expected: Any?, found: Any?): String? = when (expected) {
    is Map<*, *> -> expected.entries.firstNotNullOfOrNull { (name, each) ->
        if (found !is Map<*, *> || name !in found) "no $name in $found" else fits(each, found[name])?.let { "/$name$it" }
    }
    is List<*> -> if (found !is List<*> || found.size != expected.size) ": expected $expected, found $found"
        else expected.indices.firstNotNullOfOrNull { i -> fits(expected[i], found[i])?.let { "/$i$it" } }
    else -> if (expected == found) null else ": expected $expected, found $found"
}

class Story(private val case: Map<*, *>, private val office: String, private val phones: Map<String, Phone>) {
    private val names = HashMap<String, Any?>()
    private var reached = office
    val found = ArrayList<Any?>()

    fun tell(): Int {
        val steps = case["steps"] as List<*>
        steps.forEachIndexed { i, it ->
            val step = it as Map<*, *>
            val now = case["now_ms"] as Long + i * (case["step_ms"] as Long)
            phones.values.forEach { phone -> phone.app.now = now }
            val where = "step $i ${step["phone"] ?: ""} ${step["call"]}"
            when (step["call"]) {
                "restart" -> { reached = NOBODY; phones.values.forEach(Phone::reopen) }
                "reconnect" -> reached = office
                else -> (filled(step["each"] ?: listOf(null), names) as List<*>).forEach { each -> act(step, each, where) }
            }
        }
        return steps.size
    }

    private fun act(step: Map<*, *>, it: Any?, where: String) {
        val known = names + ("it" to it)
        val fails = step["fails"]
        val found = try {
            plain(ask(phones.getValue(step["phone"] as String), step["call"] as String, filled(step["args"] ?: listOf<Any>(), known) as List<*>))
        } catch (failure: Failure) {
            val kind = mapOf("kind" to snake(failure.javaClass.simpleName))
            val faults = (failure as? Failure.FixInput)?.let { mapOf("faults" to plain(it.faults)) } ?: mapOf()
            check(fails != null) { "$where: ${failure.javaClass.simpleName} ${failure.message}" }
            this.found.add(kind + faults)
            fits(fails, kind + faults)?.let { error("$where$it") }
            return
        }
        check(fails == null) { "$where: expected $fails, found $found" }
        this.found.add(found)
        if ("expect" in step) fits(filled(step["expect"], known), found)?.let { error("$where$it") }
        if ("expect_some" in step) {
            val one = filled(step["expect_some"], known)
            check((found as List<*>).any { each -> fits(one, each) == null }) { "$where: none fits $one in $found" }
        }
        (step["at"] as Map<*, *>?)?.forEach { (pointer, part) ->
            fits(filled(part, known), at(pointer as String, found))?.let { error("$where$pointer$it") }
        }
        (step["count"] as Map<*, *>?)?.forEach { (pointer, count) ->
            val list = at(pointer as String, found) as List<*>
            check(list.size.toLong() == count) { "$where$pointer: expected $count, found $found" }
        }
        (step["keep"] as Map<*, *>?)?.forEach { (name, pointer) -> names[name as String] = at(pointer as String, found) }
    }

    private fun ask(phone: Phone, call: String, args: List<*>): Any? {
        fun text(i: Int) = args[i] as String
        fun fields(i: Int) = Fields(args[i] as Map<*, *>)
        val louan = phone.louan
        return when (call) {
            "enrol_by_code" -> phone.enrol(reached)
            "sync" -> phone.sync(reached)
            "people" -> louan.people()
            "search_buildings" -> louan.searchBuildings(text(0), (args[1] as Long).toUInt())
            "open_rounds" -> louan.openRounds(text(0))
            "start_round" -> louan.startRound(text(0), text(1), (args[2] as List<*>).map { it as String })
            "join_round" -> louan.joinRound(text(0), text(1))
            "answer" -> louan.answer(text(0), text(1), fields(2).answer())
            "round" -> louan.round(text(0))
            "submit_round" -> louan.submitRound(text(0), text(1))
            "report_hazard" -> louan.reportHazard(text(0), text(1), fields(2).hazard())
            "stop_and_report" -> louan.stopAndReport(text(0), fields(1).stop())
            "report_fix" -> louan.reportFix(text(0), fields(1).fix())
            "recheck" -> louan.recheck(text(0), fields(1).recheck())
            "correct" -> louan.correct(text(0), text(1), fields(2).correction())
            "withdraw" -> louan.withdraw(text(0), text(1), text(2))
            "hazards" -> louan.hazards(fields(0).filter())
            "outbox" -> louan.outbox()
            "held" -> louan.held()
            "returned" -> louan.returned()
            "receipts" -> louan.receipts()
            else -> error("no such call: $call")
        }
    }
}

fun main(args: Array<String>) {
    val (path, office, pem) = args
    val (codeA, codeB, folder, out) = args.drop(3)
    val case = Json(File(path).readText()).read() as Map<*, *>
    val root = File(pem).readBytes()
    val phones = mapOf("a" to Phone("$folder/a.sqlite", root, codeA), "b" to Phone("$folder/b.sqlite", root, codeB))
    phones.values.forEach(Phone::open)
    val story = Story(case, office, phones)
    val steps = story.tell()
    File(out).writeText(json(story.found))
    println("$steps steps through UniFFI in Kotlin")
}
